/**
 * Reduces the same partial tensors in buckets and one by one, and returns both.
 */
import { defineProgram, type LedgerTotal } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  fromLocal,
  localBytes,
  Partial,
  placementsOf,
  reduceGradients,
  Replicate,
  Shard,
  shard,
  toLocal,
  type Placement,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface BucketFacts {
  readonly inBuckets: readonly (readonly number[])[];
  readonly oneByOne: readonly (readonly number[])[];
  readonly placements: readonly Readonly<Record<string, Placement>>[];
  readonly totals: readonly LedgerTotal[];
  readonly oneByOneTotals: readonly LedgerTotal[];
  /** Of the partial tensors, before. */
  readonly bytes: readonly number[];
  /** Values of what must not change. */
  readonly others: readonly (readonly number[])[];
  readonly leaked: number;
}

// Pairwise different; with one row, empty shards under tp.
const PARTIALS: readonly (readonly [shape: readonly number[], tp: Placement])[] = [
  [[5, 3], Replicate()],
  [[4, 6], Shard(0)],
  [[1, 7], Shard(0)],
  [[2, 9], Shard(1)],
  [[8], Partial()],
  [[], Replicate()],
];

export default defineProgram<{ readonly bucketBytes: number }, unknown, BucketFacts>(({ world, options }) => {
  const mesh = createMesh(world, { dp: 2, tp: 2 });
  const live = tf.memory().numTensors;
  const build = (): Map<string, tf.Tensor> => {
    const grads = new Map<string, tf.Tensor>();
    PARTIALS.forEach(([shape, tp], i) => {
      const split = tf.tidy(() => shard(tf.zeros([...shape]), mesh, { tp: keep(tp) }));
      const whole = toLocal(split);
      split.dispose();
      const values = Float32Array.from(whole.values, (_, at) => Math.sin(1 + at + 10 * i + 100 * world.rank));
      grads.set(
        `partial ${i}`,
        fromLocal({ values, shape: whole.shape }, mesh, { dp: Partial(), tp }, { shape }),
      );
    });
    grads.set(
      "whole",
      tf.tidy(() => shard(tf.tensor1d([1, 2, 3]), mesh, { tp: Shard(0) })),
    );
    grads.set("on no mesh", tf.tensor1d([4]));
    return grads;
  };
  const grads = build();
  const alone = build();
  const partials = [...grads.values()].slice(0, PARTIALS.length);
  const bytes = partials.map((t) => localBytes([t]));
  const { bucketBytes } = options;
  const { totals } = countCommunication(world, () => {
    reduceGradients(grads, { mesh, axis: "dp", bucketBytes });
  });
  const oneByOne = countCommunication(world, () => {
    for (const [name, gradient] of alone) reduceGradients(new Map([[name, gradient]]), { mesh, axis: "dp" });
  });
  const valuesOf = (tensors: readonly tf.Tensor[]): number[][] => tensors.map((t) => [...toLocal(t).values]);
  const all = [...grads.values()];
  const facts = {
    inBuckets: valuesOf(partials),
    oneByOne: valuesOf([...alone.values()].slice(0, PARTIALS.length)),
    placements: partials.map(placementsOf),
    ...{ totals, oneByOneTotals: oneByOne.totals, bytes },
    others: valuesOf(all.slice(PARTIALS.length)),
  };
  tf.dispose([...all, ...alone.values()]);
  return { ...facts, leaked: tf.memory().numTensors - live };
});

/** A partial tensor has the shape of a whole one. */
function keep(placement: Placement): Placement {
  return placement.kind === "shard" ? placement : Replicate();
}
