/**
 * Gradient accumulation: a batch in several passes.
 *
 * @packageDocumentation
 */
import { add, keep, mul, type Scalar } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { GradientAccumulator } from "./gradient-accumulator.ts";
import { setLossScale } from "../nn/module.ts";
import { gradients, type LossAndGradients } from "./gradients.ts";

/** Options of {@link accumulateGradients}. */
export interface AccumulateOptions {
  /**
   * How much each micro-batch counts, for a mean loss its part of the tokens. Default: all alike, `1 / k`.
   */
  readonly shares?: readonly number[];
  /** Differentiates one micro-batch; takes `lossFn` scaled. Default: `gradients(model, lossFn)`. */
  readonly gradientsOf?: (lossFn: () => Scalar) => LossAndGradients;
}

/**
 * Loss and gradients of a batch whose `k` micro-batches pass one after the other, so that only one of them has
 * activations at a time.
 *
 * `loss = sum_i share_i loss_i` and the same for every gradient; each loss is scaled *before* it is differentiated. With
 * mean losses and `share_i = tokens_i / tokens`, that is the mean loss of the whole batch and its gradients. Losses that
 * modules attach to their outputs are scaled alike (`setLossScale`).
 *
 * Communication: none by itself. On the `sharded` backend partial gradients are added locally; reduce them once, after the
 * last micro-batch.
 *
 * @returns the loss and the gradients; the caller owns (disposes) all of them, and no scope does
 * @example
 * ```ts
 * const { loss, grads } = accumulateGradients(
 *   model,
 *   microBatches.map(({ tokens, labels }) => () => crossEntropy(model.apply(tokens), labels)),
 * );
 * ```
 * @throws ContractError if there is no micro-batch, or not one share for each.
 */
export function accumulateGradients(
  model: object,
  lossFns: readonly (() => Scalar)[],
  options: AccumulateOptions = {},
): LossAndGradients {
  const { shares = lossFns.map(() => 1 / lossFns.length), gradientsOf = (f) => gradients(model, f) } =
    options;
  if (lossFns.length === 0 || shares.length !== lossFns.length) {
    throw new ContractError(
      `accumulateGradients: shares (${shares.length}) must be one for each of at least one micro-batch (${lossFns.length}); use tokens of the micro-batch / tokens of the batch.`,
    );
  }
  const sum = new GradientAccumulator();
  let total: Scalar | undefined;
  try {
    lossFns.forEach((lossFn, i) => {
      setLossScale(model, shares[i]!);
      const { loss, grads } = gradientsOf(() => mul<Scalar>(lossFn(), shares[i]!));
      sum.add(grads);
      const before = total;
      total = keep(before === undefined ? loss : add<Scalar>(before, loss));
      if (before === undefined) return;
      before.dispose();
      loss.dispose();
    });
  } catch (error) {
    sum.dispose();
    total?.dispose();
    throw error;
  } finally {
    setLossScale(model, 1);
  }
  return { loss: total!, grads: sum.take() };
}
