/**
 * Forward passes alone: evaluation and prediction.
 *
 * @packageDocumentation
 */
import { tidy, type Tensor } from "@tensorflow/tfjs";
import type { Action } from "../schedule.ts";
import { requireInputShape, takeInput, type Pass, type PassData, type PipelineParts } from "./pass.ts";
import type { StageMail } from "./stage-mail.ts";
import { settle } from "./tensor-message.ts";

/** Runs stages without keeping anything for a backward pass. */
export class ForwardPass implements Pass {
  readonly mail: StageMail;
  readonly #parts: PipelineParts;
  readonly #data: PassData;
  readonly #onOutput: (output: Tensor, microBatch: number) => void;

  /** @param onOutput - gets the output of the last stage; what it wants to keep it must `tf.keep` or clone */
  constructor(parts: PipelineParts, data: PassData, onOutput: (output: Tensor, microBatch: number) => void) {
    this.#parts = parts;
    this.#data = data;
    this.mail = data.mail;
    this.#onOutput = onOutput;
  }

  check({ microBatch }: Action, index: number): void {
    const input = takeInput(this.#data, this.#parts, { stage: index, microBatch });
    this.mail.put({ payload: "activation", stage: index, microBatch }, input);
    requireInputShape(this.#parts.stages.get(index)!, microBatch, input.shape);
  }

  run({ microBatch }: Action, index: number): void {
    const { stages, numStages, stageMesh } = this.#parts;
    const input = this.mail.take({ payload: "activation", stage: index, microBatch });
    try {
      const output = tidy(() => settle(stages.get(index)!.apply(input), stageMesh));
      if (index < numStages - 1)
        this.mail.put({ payload: "activation", stage: index + 1, microBatch }, output);
      else {
        this.#onOutput(output, microBatch);
        output.dispose();
      }
    } finally {
      input.dispose();
    }
  }

  dispose(): void {
    this.mail.dispose();
  }
}
