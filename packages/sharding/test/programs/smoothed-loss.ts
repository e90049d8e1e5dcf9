/**
 * Cross-entropy with label smoothing on logits that are split over their classes: per token, its mean, and its gradient.
 */
import { crossEntropy, defineProgram } from "@meshwright/core";
import { countCommunication, createMesh, full, placementsOf, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";

/** The call, as plain data. */
export interface SmoothedLossOptions {
  readonly logits: readonly number[];
  readonly labels: readonly number[];
  readonly labelSmoothing: number;
  readonly ignoreIndex: number;
  readonly zLoss: number;
}

/** What one rank found. */
export interface SmoothedLoss {
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly gradientPlacement: string;
  /** Collectives forward, and elements of each. */
  readonly collectives: readonly { readonly collective: string; readonly elements: number }[];
}

export default defineProgram<SmoothedLossOptions, unknown, SmoothedLoss>(({ world, options }) => {
  const mesh = createMesh(world, { tp: world.size });
  const { logits: values, labels: classes, ...loss } = options;
  return inScope(() => {
    const numTokens = classes.length;
    const logits = shard(tf.tensor2d([...values], [numTokens, values.length / numTokens]), mesh, {
      tp: Shard(1),
    });
    const labels = shard(tf.tensor1d([...classes], "int32"), mesh, {});
    const { result, entries } = countCommunication(world, () =>
      tf.valueAndGrad((x: tf.Tensor) => crossEntropy(x, labels, loss))(logits),
    );
    return {
      loss: result.value.dataSync()[0]!,
      gradient: [...full(result.grad).dataSync()],
      gradientPlacement: JSON.stringify(placementsOf(result.grad).tp),
      collectives: entries.map(({ collective, bytesTotal }) => ({ collective, elements: bytesTotal / 4 })),
    };
  });
});
