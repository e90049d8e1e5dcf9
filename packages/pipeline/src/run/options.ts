/**
 * What a pipeline is made of, and what must hold for it.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { AxisName, DeviceMesh, MeshAxes, PlacementSpec } from "@meshwright/sharding";
import type { Tensor } from "@tensorflow/tfjs";
import { throwProblems } from "../problems.ts";
import type { Schedule } from "../schedule.ts";
import type { PipelineLayer } from "../stage.ts";
import type { PipelineLoss } from "./pass.ts";

/** Options of `createPipeline`. */
export interface PipelineOptions<Axes extends MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** The axis along which the stages lie. The layers live on `subMesh(mesh, { without: axis })`. */
  readonly axis: AxisName<Axes>;
  /** The whole model, on every rank; without values. */
  readonly layers: readonly PipelineLayer[];
  readonly schedule: Schedule;
  /** The mean loss of a micro-batch: `(output of the last layer, target) -> scalar`. */
  readonly loss: PipelineLoss;
  /** One per layer: stages are cut so that the most expensive one is as cheap as possible. Default: all equal. */
  readonly costs?: readonly number[];
  /** How batches and targets lie on the mesh of a stage, for example `{ dp: Shard(0) }`. Default: replicated. */
  readonly placements?: PlacementSpec;
  /** Pairs of names of parameters that have one value. Parameters that layers share are tied anyway. */
  readonly tied?: readonly (readonly [string, string])[];
  /** Whether steps count the bytes of kept activations; some microseconds per saved tensor. Default false. */
  readonly countBytes?: boolean;
}

/** @throws ContractError that lists what does not fit. */
export function checkPipelineOptions<Axes extends MeshAxes>(options: PipelineOptions<Axes>): void {
  const { mesh, axis, schedule, layers } = options;
  const problems: string[] = [];
  const numRanks = mesh.sizeOf(axis);
  if (schedule.numRanks !== numRanks) {
    problems.push(
      `schedule ("${schedule.name}" for ${schedule.numRanks} ranks) must be made for the ranks on axis "${axis}" (${numRanks}); use numRanks: ${numRanks}.`,
    );
  }
  const numStages = schedule.stages.flat().length;
  if (numStages > layers.length) {
    problems.push(
      `schedule ("${schedule.name}" with ${numStages} stages) must have at most one stage per layer (${layers.length}); use fewer ranks or chunks per rank, or cut the model into more layers.`,
    );
  }
  const names = layers.map(({ name }) => name);
  const double = names.find((name, i) => names.indexOf(name) !== i);
  if (double !== undefined) {
    problems.push(`layers ("${double}" twice) must have different names; use the position in the name.`);
  }
  problems.push(...nameProblems(layers));
  throwProblems("createPipeline", problems);
}

/** Two parameters with one name would get each other's gradients. */
function nameProblems(layers: readonly PipelineLayer[]): string[] {
  const known = new Map(layers.flatMap(({ parameters }) => [...parameters]));
  const clashes = layers.flatMap(({ parameters }) =>
    [...parameters].filter(([name, parameter]) => known.get(name) !== parameter).map(([name]) => name),
  );
  return [...new Set(clashes)].map(
    (name) => `parameter ("${name}") must be one object in all layers; use a name per parameter.`,
  );
}

/** Rows of a batch. @throws ContractError if batch and target do not have equally many. */
export function rowsOf(where: string, batch: Tensor, target: Tensor): number {
  const [rows, targetRows] = [batch.shape[0], target.shape[0]];
  if (batch.shape.length > 0 && rows === targetRows) return rows;
  throw new ContractError(
    `${where}: target (shape [${target.shape.join(", ")}]) must have as many rows as batch (shape [${batch.shape.join(", ")}]); use the same first dim.`,
  );
}
