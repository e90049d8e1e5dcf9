/**
 * A pipeline, as one rank sees it.
 *
 * @packageDocumentation
 */
import {
  ContractError,
  initialize,
  parameterHash,
  type NamedGradients,
  type Parameter,
  type ProcessGroup,
} from "@meshwright/core";
import type { DeviceMesh, PlacementSpec } from "@meshwright/sharding";
import { tidy, type Tensor } from "@tensorflow/tfjs";
import { communicationSteps, type Step } from "../communication.ts";
import { microBatches } from "../micro-batch.ts";
import type { Schedule } from "../schedule.ts";
import { forwardOnly } from "../schedules/forward-only.ts";
import type { Stage } from "../stage.ts";
import { clipOverStages, type ClippedGradients } from "./clip-grad-norm.ts";
import { ForwardPass } from "./forward-pass.ts";
import { rowsOf } from "./options.ts";
import { placeRows, requireScalar, type PassData, type PipelineLoss, type PipelineParts } from "./pass.ts";
import { runSteps } from "./run-steps.ts";
import { StageMail } from "./stage-mail.ts";
import { StepRecorder, type StepRecord } from "./step-record.ts";
import { broadcastTensor } from "./tensor-message.ts";
import { sumTiedGradients, type TieOnRank } from "./tied-gradients.ts";
import type { Tie } from "./ties.ts";
import { TrainingPass } from "./training-pass.ts";

/** What `createPipeline` worked out. */
export interface PipelineDescription {
  readonly schedule: Schedule;
  readonly group: ProcessGroup;
  readonly stageMesh: DeviceMesh;
  /** Of all ranks. */
  readonly stages: readonly Stage[];
  /** Of each stage, on the pipeline axis. */
  readonly positionOf: readonly number[];
  readonly loss: PipelineLoss;
  readonly placements: PlacementSpec;
  readonly countBytes: boolean;
  /** That this rank takes part in. */
  readonly ties: readonly TieOnRank[];
  readonly allTies: readonly Tie[];
  readonly nameOf: ReadonlyMap<Parameter, string>;
}

/** What a step gives on every rank. */
export interface StepResult extends StepRecord {
  /** The mean loss of the batch; the same on every rank. */
  readonly loss: number;
  /**
   * Of this rank's parameters; the caller owns them. They may be partial sums or shards, as those of `gradients`; an
   * optimizer on `pipeline.parameters` takes them as they are.
   */
  readonly grads: NamedGradients;
}

/** Made by `createPipeline`. All methods but `initialize` are collectives of the mesh. */
export class Pipeline {
  readonly schedule: Schedule;
  /** The mesh that this rank's parameters and activations live on. */
  readonly stageMesh: DeviceMesh;
  /** All stages of the model, in order; this rank runs `schedule.stages` of its position. */
  readonly stages: readonly Stage[];
  /** Of this rank's stages, by their dotted names in the whole model. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly #description: PipelineDescription;
  readonly #parts: PipelineParts;
  readonly #steps: readonly Step[];
  readonly #evaluationSteps: readonly Step[];

  constructor(description: PipelineDescription) {
    const { schedule, group, stages } = description;
    const own = schedule.stages[group.rank]!.map((index) => stages[index]!);
    this.schedule = schedule;
    this.stageMesh = description.stageMesh;
    this.stages = stages;
    this.parameters = new Map(own.flatMap((stage) => [...stage.parameters]));
    this.#description = description;
    this.#parts = {
      ...description,
      stages: new Map(own.map((stage) => [stage.index, stage])),
      numStages: stages.length,
    };
    this.#steps = communicationSteps(schedule)[group.rank]!;
    this.#evaluationSteps = communicationSteps(forwardOnly(schedule))[group.rank]!;
  }

  /**
   * Fills this rank's parameters with the values that they have in the whole model, bit for bit; those of a tie with
   * the values of its first. No communication.
   *
   * @throws ContractError if the seed is not an integer in `[0, 2^53)`.
   */
  initialize({ seed }: { readonly seed: number }): void {
    for (const [name, parameter] of this.parameters) {
      const drawnAs = this.#description.allTies.find(({ names }) => names.includes(name))?.names[0] ?? name;
      initialize({ [drawnAs]: parameter }, { seed });
    }
  }

  /**
   * One step over a batch: every micro-batch forward and backward, in the order of the schedule. Updates nothing.
   *
   * Gradients equal those of the mean loss over the whole batch: each micro-batch counts by its share of the rows. A
   * dropout layer draws a new mask per micro-batch.
   *
   * @param batch - input of the first layer, `[R, ...]`; on no mesh, the same on every rank. It stays the caller's.
   * @param target - what `loss` compares with, `[R, ...]`; likewise.
   * @throws ContractError if there are fewer rows than micro-batches or not equally many in both, or if the input of a
   *   stage does not have the shape that it takes.
   * @throws PipelineError if a stage throws, with rank, stage, micro-batch and cause. Nothing stays behind on this rank;
   *   the others are stopped by the runtime.
   */
  step(batch: Tensor, target: Tensor): StepResult {
    const numRows = rowsOf("Pipeline.step", batch, target);
    const data = this.#data(batch, numRows, this.schedule.numMicroBatches);
    const { countBytes, ties } = this.#description;
    const recorder = new StepRecorder({ countBytes });
    const { recompute } = this.schedule;
    const pass = new TrainingPass(this.#parts, data, { target, recompute, recorder });
    runSteps(this.#steps, { pass, parts: this.#parts, recorder });
    const { record } = recorder;
    const lossTensor = pass.takeLoss();
    const loss = this.#shareLoss(lossTensor?.dataSync()[0]);
    lossTensor?.dispose();
    const { parameters, stageMesh } = this;
    const grads = sumTiedGradients(pass.takeGradients(), { ties, parameters, stageMesh });
    return { ...record, loss, grads };
  }

  /**
   * The mean loss of a batch, forward only; the same on every rank. Modules keep their `training` flags: call
   * `setTraining(model, false)` before.
   *
   * @throws ContractError and PipelineError as `step`.
   */
  evaluate(batch: Tensor, target: Tensor): number {
    const numRows = rowsOf("Pipeline.evaluate", batch, target);
    const data = this.#data(batch, numRows, this.schedule.numMicroBatches);
    let loss: number | undefined;
    this.#forward(this.#evaluationSteps, data, (output, microBatch) => {
      const rows = data.microBatches[microBatch]!;
      const value = tidy(() => {
        const mean = this.#description.loss(output, placeRows(target, rows, this.#parts));
        requireScalar(mean);
        return mean;
      });
      loss = (loss ?? 0) + rows.share * value.dataSync()[0]!;
      value.dispose();
    });
    return this.#shareLoss(loss);
  }

  /**
   * The output of the last layer for a batch, forward only and in one piece, on every rank. The caller owns it.
   *
   * Communication: beside that of a forward pass a broadcast of this rank's part along the pipeline axis.
   */
  predict(batch: Tensor): Tensor {
    const data = this.#data(batch, batch.shape[0], 1);
    const steps = this.#evaluationSteps.filter((step) => microBatchOf(step) === 0);
    let kept: Tensor | undefined;
    this.#forward(steps, data, (output) => {
      kept = output.clone();
    });
    const { group, stageMesh: mesh } = this.#description;
    try {
      return broadcastTensor(kept, { group, mesh, partner: this.#lastPosition, label: "prediction" });
    } finally {
      kept?.dispose();
    }
  }

  /**
   * The gradients of `step`, scaled so that their norm over all stages is at most `maxNorm`. The caller owns the new
   * ones and still owns the old ones.
   *
   * @throws ContractError if `maxNorm` is not positive.
   */
  clipGradNorm(grads: NamedGradients, maxNorm: number): ClippedGradients {
    const { group, allTies } = this.#description;
    const counts = (name: string): boolean => {
      const tie = allTies.find(({ names }) => names.includes(name));
      if (tie === undefined) return true;
      return (
        tie.positions[0] === group.rank && tie.names.find((other) => this.parameters.has(other)) === name
      );
    };
    return clipOverStages(grads, { maxNorm, group, counts });
  }

  /** `parameterHash` of the whole model; the same on every rank. Each parameter is broadcast once. */
  parameterHash(): string {
    const { group, nameOf } = this.#description;
    const model = Object.fromEntries([...nameOf].map(([parameter, name]) => [name, parameter]));
    return parameterHash(model, {
      valuesOf: ({ shape }, name) => {
        const own = this.parameters.get(name);
        const root = this.#holderOf(name);
        const values = root === group.rank && own !== undefined ? wholeValues(own) : undefined;
        const size = shape.reduce((a, b) => a * b, 1);
        return group.broadcast(values ?? new Float32Array(size), { root, label: "parameter hash" });
      },
    });
  }

  #data(batch: Tensor, numRows: number, numMicroBatches: number): PassData {
    const unit = this.#ranksOfRows();
    return { batch, microBatches: microBatches(numRows, numMicroBatches, { unit }), mail: new StageMail() };
  }

  /** Over how many ranks the rows of a micro-batch are split. */
  #ranksOfRows(): number {
    return Object.entries(this.#parts.placements).reduce(
      (ranks, [axis, placement]) =>
        placement?.kind === "shard" && placement.dim === 0 ? ranks * this.stageMesh.sizeOf(axis) : ranks,
      1,
    );
  }

  #forward(
    steps: readonly Step[],
    data: PassData,
    onOutput: (output: Tensor, microBatch: number) => void,
  ): void {
    const pass = new ForwardPass(this.#parts, data, onOutput);
    runSteps(steps, { pass, parts: this.#parts, recorder: new StepRecorder({ countBytes: false }) });
  }

  get #lastPosition(): number {
    return this.#description.positionOf.at(-1)!;
  }

  #shareLoss(loss: number | undefined): number {
    const buffer = Float32Array.of(loss ?? 0);
    return this.#description.group.broadcast(buffer, { root: this.#lastPosition, label: "loss" })[0]!;
  }

  #holderOf(name: string): number {
    const { stages, positionOf } = this.#description;
    const stage = stages.findIndex(({ parameters }) => parameters.has(name));
    if (stage < 0) throw new ContractError(`Pipeline: parameter ("${name}") must be one of the layers'.`);
    return positionOf[stage]!;
  }
}

function microBatchOf(step: Step): number {
  return step.kind === "action" ? step.action.microBatch : step.message.microBatch;
}

function wholeValues({ shard, variable }: Parameter): Float32Array {
  return shard === undefined ? variable.dataSync<"float32">() : shard.readFull(variable);
}
