/**
 * Shows how a product over a split dim stays a partial sum until somebody needs its value.
 *
 * Prints (`pnpm example 03-partial-sums`):
 *
 * ```text
 * [rank 0] float32[2, 4]: tp Shard(1) on { tp: 2 }
 * [rank 0]
 * [rank 0] dim 1   0..1   2..3
 * [rank 0]       +------+------+
 * [rank 0]       | 0    | 1    |
 * [rank 0]       +------+------+
 * [rank 0]
 * [rank 0] y = x w        communicates nothing     and is Partial("sum")
 * [rank 0] rank 0 holds the summand [1, 2, 5, 6]
 * [rank 0] y + y          communicates nothing     and is Partial("sum")
 * [rank 0] relu(y + y)    communicates 1 allReduce and is Replicate()
 * [rank 0] square(y + y)  communicates nothing     and is Replicate()
 * [rank 0] max |sharded - dense| = 0
 * ```
 *
 * @packageDocumentation
 */
import { defineProgram, launchHere } from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export default defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { tp: 2 });
  const print = (text: string) => {
    if (world.rank === 0) console.log(text);
  };
  const count = (name: string, body: () => tf.Tensor) => {
    const { result, totals } = mw.countCommunication(world, body);
    const calls = totals.map((total) => `${total.calls} ${total.collective}`).join() || "nothing";
    const placement = mw.formatPlacement(mw.placementsOf(result).tp!);
    print(`${name.padEnd(14)} communicates ${calls.padEnd(11)} and is ${placement}`);
    return result;
  };

  const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
  const w = tf.tensor2d([1, 0, 0, 1, 1, 1, 1, -1], [4, 2]);
  const xSplit = mw.shard(x, mesh, { tp: mw.Shard(1) });
  print(mw.draw(xSplit));

  const y = count("y = x w", () => tf.matMul(xSplit, mw.shard(w, mesh, { tp: mw.Shard(0) })));
  print(`rank 0 holds the summand [${mw.toLocal(y).values.join(", ")}]`);
  const sum = count("y + y", () => tf.add(y, y));
  count("relu(y + y)", () => tf.relu(sum)); // not linear: the sum must be known
  count("square(y + y)", () => tf.square(sum)); // it is now
  const difference = tf.max(tf.abs(tf.sub(y, tf.matMul(x, w)))).dataSync()[0]!;
  print(`max |sharded - dense| = ${difference}`);
});

await launchHere(import.meta, { ranks: 2 });
