/**
 * The training step of `bench/step/train.ts` in plain tfjs: its own operations, `variableGrads` and `tf.train.adam`. No
 * kernel of Meshwright runs, but for a faster sum over leading dims that it registers on the tensorflow engine.
 *
 * Legend: as in `plain-layers.ts`.
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { randomBatch, type StepSizes } from "../step/train.ts";
import { awaitTurn, endTurn, type Turns } from "../step/turns.ts";
import {
  causalMask,
  plainAttention,
  plainCrossEntropy,
  plainGelu,
  plainLayerNorm,
  plainLinear,
} from "./plain-layers.ts";

/** Options of the program. */
export interface PlainOptions {
  readonly sizes: StepSizes;
  readonly seed: number;
  readonly numSteps: number;
  readonly turns: Turns;
  readonly player: number;
}

/** Of every step, the first included. */
export interface PlainResult {
  readonly stepMs: readonly number[];
  readonly losses: readonly number[];
}

export default defineProgram<PlainOptions, never, PlainResult>(({ options }) => {
  const { sizes, seed, numSteps, turns, player } = options;
  const step = createTraining(sizes, seed);
  const stepMs: number[] = [];
  const losses: number[] = [];
  for (let index = 0; index < numSteps; index++) {
    awaitTurn(turns, player, index);
    const start = performance.now();
    losses.push(step(index));
    stepMs.push(performance.now() - start);
    endTurn(turns);
  }
  return { stepMs, losses };
});

function createTraining(sizes: StepSizes, seed: number): (index: number) => number {
  const { features, layers, vocabSize, contextLength } = sizes;
  const weight = (inputs: number, outputs: number): tf.Variable =>
    tf.variable(tf.randomNormal([inputs, outputs], 0, 0.02, "float32", seed));
  const vector = (length: number, value: number): tf.Variable => tf.variable(tf.fill([length], value));
  const linear = (inputs: number, outputs: number) => ({ w: weight(inputs, outputs), b: vector(outputs, 0) });
  const norm = () => ({ gamma: vector(features, 1), beta: vector(features, 0) });
  const blocks = Array.from({ length: layers }, () => ({
    ...{ norm1: norm(), norm2: norm() },
    ...{ q: linear(features, features), k: linear(features, features), v: linear(features, features) },
    ...{
      out: linear(features, features),
      up: linear(features, 4 * features),
      down: linear(4 * features, features),
    },
  }));
  const [tokens, positions] = [weight(vocabSize, features), weight(contextLength, features)];
  const [last, head] = [norm(), weight(features, vocabSize)];
  const mask = causalMask(contextLength);
  const optimizer = tf.train.adam(1e-3, 0.9, 0.95);
  const forward = (inputs: tf.Tensor2D): tf.Tensor => {
    const [B, T] = inputs.shape;
    const rows = [B * T, features];
    let x: tf.Tensor = tf
      .gather(tokens, inputs.as1D())
      .reshape([B, T, features])
      .add(positions)
      .reshape(rows);
    for (const block of blocks) {
      const normal = plainLayerNorm(x, block.norm1.gamma, block.norm1.beta);
      const split = ({ w, b }: { w: tf.Variable; b: tf.Variable }): tf.Tensor =>
        plainLinear(normal, w, b).reshape([B, T, sizes.heads, -1]).transpose([0, 2, 1, 3]); // [R, D] -> [B, H, T, Dh]
      const heads = plainAttention(split(block.q), split(block.k), split(block.v), mask);
      const joined = heads.transpose([0, 2, 1, 3]).reshape(rows);
      x = x.add(plainLinear(joined, block.out.w, block.out.b));
      const hidden = plainLinear(
        plainLayerNorm(x, block.norm2.gamma, block.norm2.beta),
        block.up.w,
        block.up.b,
      );
      x = x.add(plainLinear(plainGelu(hidden), block.down.w, block.down.b));
    }
    return tf.matMul(plainLayerNorm(x, last.gamma, last.beta), head);
  };
  return (index) => {
    const { inputs, targets } = randomBatch(sizes, { seed, index });
    const { value, grads } = tf.variableGrads(() => plainCrossEntropy(forward(inputs), targets));
    const clipped = tf.tidy(() => clip(grads));
    optimizer.applyGradients(Object.entries(clipped).map(([name, tensor]) => ({ name, tensor })));
    const loss = value.dataSync()[0]!;
    tf.dispose([value, grads, clipped, inputs, targets]);
    return loss;
  };
}

/** By the global norm, to 1. */
function clip(grads: tf.NamedTensorMap): tf.NamedTensorMap {
  const squares = Object.values(grads).map((gradient) => gradient.square().sum());
  const factor = tf.minimum(tf.div(1, tf.sqrt(tf.addN(squares)).add(1e-6)), 1);
  return Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, gradient.mul(factor)]));
}
