/**
 * `createPipeline`: a model whose stages run on different ranks.
 *
 * @packageDocumentation
 */
import { subMesh, type MeshAxes } from "@meshwright/sharding";
import { checkSchedule } from "../check.ts";
import { partition } from "../partition.ts";
import { stagePlaces } from "../stage-places.ts";
import { firstNames, Stage } from "../stage.ts";
import { checkPipelineOptions, type PipelineOptions } from "./options.ts";
import { Pipeline } from "./pipeline.ts";
import { findTies, type Tie } from "./ties.ts";

/**
 * Cuts `layers` into the stages of `schedule` and gives each rank its own. Every rank of the mesh calls it, with the
 * same arguments; it allocates nothing. The schedule is proven here, once.
 *
 * Communication of a step, per micro-batch and border between stages on different ranks: the activation one way and its
 * gradient back, each as the part that the rank holds, plus a header of 76 bytes. Ranks send to the one rank of the
 * other stage that has their other coordinates, so `dp` and `tp` inside stages cost nothing here.
 *
 * @example
 * ```ts
 * const mesh = createMesh(world, { dp: 2, tp: 2, pp: 2 });
 * const stageMesh = subMesh(mesh, { without: "pp" });
 * const pipeline = createPipeline({
 *   mesh,
 *   axis: "pp",
 *   layers: gptLayers(parallelGPT({ mesh: stageMesh, axis: "tp", ...sizes })),
 *   schedule: oneFOneB({ numRanks: 2, numMicroBatches: 8 }),
 *   loss: crossEntropy,
 *   placements: { dp: Shard(0) },
 * });
 * pipeline.initialize({ seed: 1 });
 * const optimizer = new AdamW(pipeline.parameters);
 * const { loss, grads } = pipeline.step(tokens, labels);
 * optimizer.step(grads);
 * ```
 * @throws ContractError if the schedule is for another number of ranks, cannot come to its end, or has more stages than
 *   there are layers; if costs or ties do not fit.
 * @see Huang et al. 2019, "GPipe", section 2.2, https://arxiv.org/abs/1811.06965
 */
export function createPipeline<Axes extends MeshAxes>(options: PipelineOptions<Axes>): Pipeline {
  checkPipelineOptions(options);
  const { mesh, axis, layers, schedule, costs, tied = [] } = options;
  checkSchedule(schedule);
  const nameOf = firstNames(layers);
  const numStages = schedule.stages.flat().length;
  const cut = partition(layers, costs === undefined ? { numStages } : { numStages, costs });
  const stages = cut.map((stageLayers, index) => new Stage(index, stageLayers, nameOf));
  const positionOf = stagePlaces(schedule).map(({ rank }) => rank);
  const ties = findTies({ stages, positionOf }, tied);
  const group = mesh.group(axis);
  const { placements = {}, countBytes = false, loss } = options;
  return new Pipeline({
    ...{ schedule, group, stages, positionOf, loss, placements, countBytes },
    stageMesh: subMesh(mesh, { without: axis }),
    ties: ties.filter(({ positions }) => positions.includes(group.rank)).map((tie) => joinTie(tie, options)),
    allTies: ties,
    nameOf,
  });
}

function joinTie<Axes extends MeshAxes>(tie: Tie, { mesh, axis }: PipelineOptions<Axes>) {
  const { positions } = tie;
  const ranks = positions.map((position) => mesh.group(axis).ranks[position]!);
  return {
    tie,
    group: positions.length > 1 ? mesh.world.createGroup(ranks, { name: `tied ${axis}` }) : undefined,
  };
}
