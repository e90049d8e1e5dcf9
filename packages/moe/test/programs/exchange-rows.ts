/**
 * Rows that go to their experts' ranks and back: values, gradients, what is communicated, what is left behind.
 */
import { defineProgram, type LedgerEntry } from "@meshwright/core";
import { countCommunication, createMesh, full, localMap, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { exchangeCounts, exchangeRows, type DispatchCounts } from "../../src/dispatch-all-to-all.ts";

/** `rows[a][b]`: rows that rank `a` sends to each of the experts; columns are experts. */
export interface ExchangeOptions {
  readonly rows: readonly (readonly number[])[];
  readonly features: number;
}

/** What one rank saw. */
export interface Exchanged {
  readonly counts: DispatchCounts;
  readonly values: readonly number[];
  readonly gradient: readonly number[];
  readonly countBytes: readonly LedgerEntry[];
  readonly forward: readonly LedgerEntry[];
  readonly whole: readonly LedgerEntry[];
  readonly leaked: number;
}

export default defineProgram<ExchangeOptions, unknown, Exchanged>(({ world, options }) => {
  const { rows, features } = options;
  const mesh = createMesh(world, { ep: world.size });
  const group = mesh.group("ep");
  const own = Int32Array.from(rows[world.rank]!);
  const numRows = own.reduce((sum, count) => sum + count, 0);
  const before = tf.memory().numTensors;
  const counted = countCommunication(world, () => exchangeCounts(own, group));
  const counts = counted.result;
  const numReceived = counts.receiveCounts.reduce((sum, count) => sum + count, 0);
  const found: Omit<Exchanged, "leaked">[] = [];
  tf.tidy(() => {
    const values: (readonly number[])[] = [];
    const lift = shard(tf.ones([world.size]), mesh, { ep: Shard(0) });
    const run = (scale: tf.Tensor): tf.Tensor =>
      localMap(
        (s: tf.Tensor) => {
          // Element `100 rank + position`; the scale carries the gradient of all of them.
          const x = tf.add(tf.range(0, numRows * features).reshape([numRows, features]), 100 * world.rank);
          const y = exchangeRows(tf.mul(x, s), { ...counts, group });
          values.push([...y.dataSync()]);
          // The receiver weighs what it got by its own rank + 2.
          return tf.reshape(tf.sum(tf.mul(tf.square(y), world.rank + 2)), [1]);
        },
        { mesh, in: [{ ep: Shard(0) }], out: { ep: Shard(0) } },
      )(scale);
    const forward = countCommunication(world, () => run(lift));
    const whole = countCommunication(world, () => tf.grad(run)(lift));
    found.push({
      counts,
      values: values[0]!,
      gradient: [...full(whole.result).dataSync()],
      countBytes: counted.entries,
      forward: forward.entries,
      whole: whole.entries,
    });
    if (values[0]!.length !== numReceived * features) throw new RangeError("another number of rows arrived");
  });
  return { ...found[0]!, leaked: tf.memory().numTensors - before };
});
