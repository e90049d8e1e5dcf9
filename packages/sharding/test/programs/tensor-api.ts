/**
 * `shard`, `redistribute`, `full`, `fromLocal`, `toLocal`, `placementsOf`, one fact per entry of the result.
 */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  describe,
  formatPlacement,
  fromLocal,
  full,
  Partial,
  placementsOf,
  redistribute,
  Replicate,
  shard,
  Shard,
  toLocal,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export default defineProgram(({ world }) => {
  const mesh = createMesh(world, { dp: 2, tp: 2 });
  const facts: Record<string, unknown> = {};
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const whole = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]);
    const w = shard(whole, mesh, { tp: Shard(-1) });
    facts.placements = Object.fromEntries(
      Object.entries(placementsOf(w)).map(([k, p]) => [k, formatPlacement(p)]),
    );
    facts.description = describe(w);
    facts.local = toLocal(w);
    facts.fromLocal = [
      ...fromLocal({ values: Float32Array.of(world.rank + 1), shape: [1] }, mesh, {
        dp: Partial(),
        tp: Shard(0),
      }).dataSync(),
    ];
    facts.bool = [
      ...fromLocal({ values: Uint8Array.of(world.rank === 2 ? 1 : 0), shape: [1] }, mesh, {
        dp: Partial("max"),
        tp: Partial("max"),
      }).dataSync(),
    ];
    facts.intMin = [
      ...fromLocal({ values: Int32Array.of(10 - world.rank), shape: [1] }, mesh, {
        dp: Partial("min"),
        tp: Partial("min"),
      }).dataSync(),
    ];
    const p = redistribute(w, { dp: Partial(), tp: Replicate() });
    facts.partialOnRank = toLocal(p).values.every((value) => value === 0) ? "zeros" : "values";
    facts.full = [...full(p).dataSync()];
    facts.plainPlacements = placementsOf(whole);
    // The gradient of a gather lands where the input was: sharded.
    const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.square(full(t))))(w);
    facts.gradientPlacement = formatPlacement(placementsOf(gradient).tp!);
    facts.gradient = [...gradient.dataSync()];
  });
  facts.leaked = tf.memory().numTensors - before;
  return facts;
});
