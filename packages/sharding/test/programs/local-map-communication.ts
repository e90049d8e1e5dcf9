/**
 * What local code communicates, forward and with its backward pass; and local code in checked mode.
 */
import { defineProgram, type LedgerTotal } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  localAllGather,
  localAllReduce,
  localAllToAll,
  localMap,
  localReduceScatter,
  localShift,
  Partial,
  placementsOf,
  Replicate,
  shard,
  Shard,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { thrownText } from "./thrown-text.ts";

type Totals = readonly LedgerTotal[];

/** What a case communicates on this rank. */
export interface LocalCommunication {
  readonly forward: Totals;
  readonly whole: Totals;
  /** Where the gradient of the first input lies along tp. */
  readonly gradient: string;
}

export interface LocalMapCommunication {
  readonly cases: Readonly<Record<string, LocalCommunication>>;
  /** Values that differ where they are said to be replicated. */
  readonly disagreement: string;
}

export default defineProgram<object, unknown, LocalMapCommunication>(({ world }) => {
  const mesh = createMesh(world, { tp: world.size });
  const [rows, whole] = [{ tp: Shard(0) }, {}];
  const same = { tp: Replicate() };
  const shape = (s?: readonly number[]): readonly (readonly number[])[] => [s!];
  const map = (
    fn: (local: tf.Tensor) => tf.Tensor,
    [inside, outside]: readonly [object, object],
    more: object = {},
  ): ((x: tf.Tensor) => tf.Tensor) =>
    localMap(fn, { ...{ mesh, in: [inside], out: outside, outShapes: shape }, ...more });
  const cases: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
    nothing: map((x) => tf.square(x), [rows, rows]),
    "a gradient with constants of the local shape": map((x) => tf.mul(x, tf.sum(x)), [rows, rows]),
    "shapes asked for": map((x) => tf.square(x), [rows, rows], { outShapes: undefined }),
    "all-reduce": map((x) => localAllReduce(tf.square(x), "tp"), [whole, whole]),
    "summands returned": map((x) => tf.square(x), [whole, { tp: Partial("sum") }]),
    "all-gather": map((x) => localAllGather(tf.square(x), "tp", { dim: 0, size: 5 }), [rows, whole]),
    "reduce-scatter": map((x) => localReduceScatter(tf.square(x), "tp", { dim: 0 }), [whole, rows]),
    "all-to-all": map(
      (x) => localAllToAll(tf.square(x), "tp", { splitDim: 1, concatDim: 0, size: 5 }),
      [rows, { tp: Shard(1) }],
    ),
    shift: map((x) => localShift(tf.square(x), "tp"), [whole, { tp: Partial("sum") }]),
    "the same work": map((x) => tf.square(x), [whole, whole], { inGradients: [same], outGradients: [same] }),
  };
  const x = tf.tidy(() => tf.reshape(tf.sin(tf.range(0, 15)), [5, 3]));
  const found = Object.entries(cases).map(([name, f]) => {
    const input = shard(x, mesh, /gather|to-all|nothing|shape/.test(name) ? rows : whole);
    const forward = countCommunication(world, () => {
      f(input).dispose();
    });
    const both = countCommunication(world, () => tf.grad(f)(input));
    const gradient = placementsOf(both.result).tp!;
    tf.dispose([input, both.result]);
    const text = gradient.kind === "shard" ? `Shard(${gradient.dim})` : gradient.kind;
    return [name, { forward: forward.totals, whole: both.totals, gradient: text }] as const;
  });
  const differing = map((t) => tf.mul(t, world.rank), [whole, whole]);
  return {
    cases: Object.fromEntries(found),
    disagreement: world.checked ? thrownText(() => differing(x)) : "not checked",
  };
});
