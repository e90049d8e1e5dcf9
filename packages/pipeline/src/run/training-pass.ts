/**
 * Forward and backward passes of one step on one rank.
 *
 * @packageDocumentation
 */
import {
  checkpoint,
  InternalError,
  vjp,
  type NamedGradients,
  type Pullback,
  type Vjp,
} from "@meshwright/core";
import { add, mul, scalar, tidy, zeros, type Scalar, type Tensor } from "@tensorflow/tfjs";
import type { Action } from "../schedule.ts";
import type { Stage } from "../stage.ts";
import { GradientSum } from "./gradient-sum.ts";
import {
  placeRows,
  requireInputShape,
  requireScalar,
  takeInput,
  type Pass,
  type PassData,
  type PipelineParts,
  type StageInput,
} from "./pass.ts";
import type { StageMail } from "./stage-mail.ts";
import type { StepRecorder } from "./step-record.ts";
import { settle } from "./tensor-message.ts";

/** A forward pass that waits for its backward pass. */
interface InFlight {
  readonly pullback: Pullback;
  readonly inputShape: readonly number[];
}

/** Beside what every pass needs. */
export interface TrainingOptions {
  readonly target: Tensor;
  readonly recompute: boolean;
  readonly recorder: StepRecorder;
}

/**
 * `F` runs a stage with `vjp` and keeps the pullback; `B` is `pullback.all`, `I` is `pullback.inputs` and `W` is
 * `pullback.parameters`. Several pullbacks of a stage may be in flight.
 */
export class TrainingPass implements Pass {
  readonly mail: StageMail;
  readonly #parts: PipelineParts;
  readonly #data: PassData;
  readonly #options: TrainingOptions;
  readonly #inFlight = new Map<string, InFlight>();
  readonly #gradients = new GradientSum();
  #loss: Tensor | undefined;

  constructor(parts: PipelineParts, data: PassData, options: TrainingOptions) {
    this.#parts = parts;
    this.#data = data;
    this.mail = data.mail;
    this.#options = options;
  }

  check({ kind, microBatch }: Action, index: number): void {
    if (kind !== "F") return;
    const input = takeInput(this.#data, this.#parts, { stage: index, microBatch });
    this.mail.put({ payload: "activation", stage: index, microBatch }, input);
    requireInputShape(this.#parts.stages.get(index)!, microBatch, input.shape);
  }

  run({ kind, microBatch }: Action, stage: number): void {
    const at = { stage, microBatch };
    switch (kind) {
      case "F":
        this.#forward(at);
        break;
      case "B":
        this.#backward(at, (pullback, dy) => {
          const { inputs, parameters } = pullback.all(dy);
          this.#gradients.add(parameters);
          return inputs[0];
        });
        this.#finish(at);
        break;
      case "I":
        this.#backward(at, (pullback, dy) => pullback.inputs(dy)[0]);
        break;
      case "W":
        this.#gradients.add(this.#pullbackOf(at).pullback.parameters());
        this.#finish(at);
        break;
    }
  }

  /** The mean loss of the batch, on the ranks of the last stage. The caller owns it. */
  takeLoss(): Tensor | undefined {
    const loss = this.#loss;
    this.#loss = undefined;
    return loss;
  }

  /** The caller owns them. */
  takeGradients(): NamedGradients {
    return this.#gradients.take();
  }

  dispose(): void {
    for (const { pullback } of this.#inFlight.values()) pullback.dispose();
    this.#inFlight.clear();
    this.mail.dispose();
    this.#gradients.dispose();
    this.#loss?.dispose();
    this.#loss = undefined;
  }

  #forward(at: StageInput): void {
    const stage = this.#parts.stages.get(at.stage)!;
    const input = this.mail.take({ payload: "activation", ...at });
    try {
      const { value, pullback } = this.#isLast(at)
        ? this.#withLoss(stage, input, at)
        : this.#vjp(stage, { input, at });
      this.#inFlight.set(keyOf(at), { pullback, inputShape: input.shape });
      this.#options.recorder.keep(pullback);
      if (this.#isLast(at)) this.#addLoss(value, this.#shareOf(at));
      else this.#hand({ payload: "activation", ...at, stage: at.stage + 1 }, value);
    } finally {
      input.dispose();
    }
  }

  #withLoss(stage: Stage, input: Tensor, at: StageInput): Vjp<Tensor> {
    const { loss } = this.#parts;
    const target = placeRows(this.#options.target, this.#data.microBatches[at.microBatch]!, this.#parts);
    try {
      return this.#vjp(stage, { input, at }, (output) => {
        const value = loss(output, target);
        requireScalar(value);
        return value;
      });
    } finally {
      target.dispose();
    }
  }

  #vjp(
    stage: Stage,
    { input, at }: { readonly input: Tensor; readonly at: StageInput },
    then: (output: Tensor) => Tensor = (output) => output,
  ): Vjp<Tensor> {
    const { parameters, index } = stage;
    const plain = (x: Tensor): Tensor => {
      // Here, so that it holds when the stage is recomputed too.
      stage.setLossScale(this.#shareOf(at));
      try {
        return then(stage.apply(x));
      } finally {
        stage.setLossScale(1);
      }
    };
    const f = this.#options.recompute ? checkpoint(plain) : plain;
    // Nobody wants the gradient of the batch.
    return index === 0 ? vjp(() => f(input), [], { parameters }) : vjp(f, [input], { parameters });
  }

  #backward(at: StageInput, pull: (pullback: Pullback, dy: Tensor) => Tensor | undefined): void {
    const { pullback, inputShape } = this.#pullbackOf(at);
    const dy = this.#isLast(at) ? scalar(this.#shareOf(at)) : this.mail.take({ payload: "gradient", ...at });
    let dx: Tensor | undefined;
    try {
      dx = pull(pullback, dy);
    } finally {
      dy.dispose();
    }
    if (at.stage === 0) return;
    // A stage that does not use its input gives no gradient; the stage before waits for one all the same.
    this.#hand({ payload: "gradient", ...at, stage: at.stage - 1 }, dx ?? zeros([...inputShape]));
  }

  /** Leaves a tensor for the next action or the send step. Takes ownership. */
  #hand(address: Parameters<StageMail["put"]>[0], t: Tensor): void {
    try {
      this.mail.put(address, settle(t, this.#parts.stageMesh));
    } finally {
      t.dispose();
    }
  }

  #addLoss(value: Tensor, share: number): void {
    const before = this.#loss;
    this.#loss = tidy(() => {
      const weighted = mul<Scalar>(value, share);
      return before === undefined ? weighted : add(before, weighted);
    });
    value.dispose();
    before?.dispose();
  }

  #finish(at: StageInput): void {
    const { pullback } = this.#pullbackOf(at);
    this.#inFlight.delete(keyOf(at));
    this.#options.recorder.release(pullback);
  }

  #pullbackOf(at: StageInput): InFlight {
    const found = this.#inFlight.get(keyOf(at));
    if (found === undefined) throw new InternalError(`no forward pass of ${keyOf(at)} is in flight`);
    return found;
  }

  #isLast({ stage }: StageInput): boolean {
    return stage === this.#parts.numStages - 1;
  }

  #shareOf({ microBatch }: StageInput): number {
    return this.#data.microBatches[microBatch]!.share;
  }
}

function keyOf({ stage, microBatch }: StageInput): string {
  return `micro-batch ${microBatch} of stage ${stage}`;
}
