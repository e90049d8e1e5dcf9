/**
 * Misuse of local code, and what it says.
 */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  localAllGather,
  localAllReduce,
  localAllToAll,
  localExchangeRows,
  localMap,
  localShift,
  Partial,
  Replicate,
  shard,
  Shard,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";
import { thrownText } from "./thrown-text.ts";

export interface LocalMapErrors {
  readonly errors: Readonly<Record<string, string>>;
  /** What all of them together left behind. */
  readonly grown: MemoryCounts;
}

export default defineProgram<object, unknown, LocalMapErrors>(({ world }) => {
  const mesh = createMesh(world, { tp: world.size });
  const other = createMesh(world, { dp: 1, mp: world.size });
  const x = shard(tf.ones([5, 3]), mesh, { tp: Shard(0) });
  const elsewhere = shard(tf.ones([5, 3]), other, {});
  const rows = { mesh, in: [{ tp: Shard(0) }], out: { tp: Shard(0) } } as const;
  const same = (t: tf.Tensor): tf.Tensor => t;
  const inside =
    (body: (local: tf.Tensor) => tf.Tensor): (() => unknown) =>
    () =>
      localMap(body, rows)(x);
  const cases: Readonly<Record<string, () => unknown>> = {
    "too few inputs": () => localMap((...all: tf.Tensor[]) => all[0]!, rows)(x, x),
    "input on another mesh": () => localMap(same, rows)(elsewhere),
    "in placement of a dim that is missing": () => localMap(same, { ...rows, in: [{ tp: Shard(2) }] })(x),
    "out placement of a dim that is missing": () => localMap(same, { ...rows, out: { tp: Shard(2) } })(x),
    "one tensor where a list is meant": () =>
      localMap((t: tf.Tensor) => t as tf.Tensor | readonly tf.Tensor[], { ...rows, out: [rows.out] })(x),
    "more outputs than placements": () =>
      localMap((t: tf.Tensor) => [t, t] as const, { ...rows, out: [rows.out] })(x),
    "no tensor": inside(() => ({}) as object as tf.Tensor),
    "a promise": inside(() => Promise.resolve(tf.scalar(1)) as object as tf.Tensor),
    "a tensor of the mesh": inside(() => x),
    "a tensor of the mesh in the middle": inside((t) => tf.add(t, x)),
    "shape that is not the rank's part": () =>
      localMap((t: tf.Tensor) => tf.concat([t, t]), { ...rows, outShapes: (shape) => [shape] })(x),
    "parts that are no chunks": () =>
      localMap(
        (t: tf.Tensor) => (world.rank === 0 ? tf.slice(t, [0, 0], [1, 3]) : tf.concat([t, t])),
        rows,
      )(x),
    "a dim that differs and is not split": () =>
      localMap((t: tf.Tensor) => tf.slice(t, [0, 0], [-1, 1 + world.rank]), rows)(x),
    "wrong number of shapes": () => localMap(same, { ...rows, outShapes: () => [] })(x),
    "gradient of another shape": () => localMap(same, { ...rows, inGradients: [{ tp: Replicate() }] })(x),
    "gradient of a maximum": () =>
      localMap(same, { ...rows, in: [{}], out: {}, outGradients: [{ tp: Partial("max") }] })(x),
    "collective on no axis": inside((t) => localAllReduce(t, "pt")),
    "collective of a tensor of the mesh": () => localAllReduce(x, "tp"),
    "collective along no dim": inside((t) => localAllGather(t, "tp", { dim: 2 })),
    "no chunk": inside((t) => localAllGather(t, "tp", { dim: 0, size: 9 })),
    "one dim twice": inside((t) => localAllToAll(t, "tp", { splitDim: 1, concatDim: -1 })),
    "half a step": inside((t) => localShift(t, "tp", { by: 0.5 })),
    "counts of other rows": inside((t) =>
      localExchangeRows(t, "tp", { sendCounts: [4, 5], receiveCounts: [4, 5] }),
    ),
    "counts of other ranks": inside((t) =>
      localExchangeRows(t, "tp", { sendCounts: [1, 2], receiveCounts: [3] }),
    ),
    "gradient through a maximum": () =>
      tf.grad((t: tf.Tensor) =>
        localMap((l: tf.Tensor) => localAllReduce(l, "tp", { op: "max" }), { ...rows, in: [{}], out: {} })(t),
      )(x),
    "nothing wrong": inside((t) => tf.square(t)),
  };
  const before = countMemory(world);
  const errors: Record<string, string> = {};
  for (const [name, body] of Object.entries(cases)) {
    tf.tidy(() => {
      errors[name] = thrownText(body);
    });
  }
  return { errors, grown: growth(before, countMemory(world)) };
});
