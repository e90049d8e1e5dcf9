/**
 * What one rank measures of its experts: their feed-forward networks on sorted rows, forward and backward, in four ways.
 *
 * ```text
 * grouped   one kernel per projection: every expert's rows are multiplied where they lie
 * loop      slice, product and concatenation per expert, in operations of tfjs
 * padded    every expert has as many rows as the fullest one: one batched product per projection
 * dense     one network on all rows: what no grouping could be faster than
 * ```
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import { groupedGeluMLP, padToCapacity, unpadFromCapacity } from "@meshwright/moe";
import * as tf from "@tensorflow/tfjs";
import { interleave } from "../statistics.ts";
import { differentiate, wave, type MoESizes } from "./sizes.ts";

/** A way to run experts. */
export type ExpertsWay = "grouped" | "loop" | "padded" | "dense";

/** Options of the program. */
export interface ExpertsOptions extends Pick<MoESizes, "features" | "hidden"> {
  /** Rows of each expert. */
  readonly counts: readonly number[];
  readonly rounds: number;
  readonly warmUp: number;
}

/** Milliseconds per sample. */
export type ExpertsResult = Readonly<Record<ExpertsWay, readonly number[]>>;

export default defineProgram<ExpertsOptions, never, ExpertsResult>(({ options }) => {
  const { features, hidden, rounds, warmUp } = options;
  const counts = Int32Array.from(options.counts);
  const [numRows, numExperts] = [counts.reduce((sum, count) => sum + count, 0), counts.length];
  const x = tf.variable(wave([numRows, features], 1));
  const up = tf.variable(wave([numExperts, features, hidden], 2));
  const down = tf.variable(wave([numExperts, hidden, features], 3));
  const [oneUp, oneDown] = [
    tf.variable(wave([features, hidden], 2)),
    tf.variable(wave([hidden, features], 3)),
  ];
  const dy = wave([numRows, features], 4);
  const by = [x, up, down];
  const time = (body: () => tf.Tensor, variables: readonly tf.Variable[] = by): number => {
    const start = performance.now();
    differentiate(body, { dy, by: variables });
    return performance.now() - start;
  };
  const dense = (rows: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.matMul(gelu(tf.matMul(rows, a)), b);
  return interleave<ExpertsWay>(
    {
      grouped: () => time(() => groupedGeluMLP(x, { up, down }, { counts })),
      loop: () => time(() => oneByOne(x, { up, down }, { counts, network: dense })),
      padded: () =>
        time(() => {
          const rows = padToCapacity(x, counts, Math.max(...counts)); // [N, D] -> [E, C, D]
          return unpadFromCapacity(dense(rows, up, down), counts);
        }),
      dense: () => time(() => dense(x, oneUp, oneDown), [x, oneUp, oneDown]),
    },
    { rounds, warmUp },
  );
});

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>("Gelu", { x }, { approximate: "tanh" });
}

function oneByOne(
  x: tf.Tensor,
  { up, down }: { readonly up: tf.Tensor; readonly down: tf.Tensor },
  {
    counts,
    network,
  }: {
    readonly counts: Int32Array;
    readonly network: (rows: tf.Tensor, up: tf.Tensor, down: tf.Tensor) => tf.Tensor;
  },
): tf.Tensor {
  const matrix = (w: tf.Tensor, expert: number): tf.Tensor =>
    tf.reshape(tf.slice(w, [expert, 0, 0], [1, -1, -1]), w.shape.slice(1));
  let start = 0;
  const parts = [...counts].flatMap((count, expert) => {
    if (count === 0) return [];
    const rows = tf.slice(x, [start, 0], [count, -1]);
    start += count;
    return [network(rows, matrix(up, expert), matrix(down, expert)) as tf.Tensor2D];
  });
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
}
