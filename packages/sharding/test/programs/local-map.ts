/**
 * Local code: values and gradients. On one rank each case is plain tfjs on whole tensors, its dense twin.
 */
import { checkpoint, defineProgram, vjp } from "@meshwright/core";
import {
  collectValues,
  createMesh,
  localAllGather,
  localAllReduce,
  localAllToAll,
  localExchangeRows,
  localMap,
  localReduceScatter,
  localShift,
  Partial,
  Replicate,
  shard,
  Shard,
  type DeviceMesh,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

type Mesh = DeviceMesh<{ dp: number; tp: number }>;
type Function = (...inputs: tf.Tensor[]) => tf.Tensor;

/** A function of global tensors: plainly, and by local code on a mesh. */
export interface LocalCase {
  readonly shapes: readonly (readonly number[])[];
  readonly dense: Function;
  readonly mapped: (mesh: Mesh) => Function;
}

export const matMul: Function = (x, w) => tf.matMul(x, w);

/** 5 rows, 7 and 3 features: uneven on 2, 3 and 4 ranks, and an empty shard on 4. */
export const CASES: Readonly<Record<string, LocalCase>> = {
  "a contraction whose summands are returned": {
    shapes: [
      [5, 7],
      [7, 3],
    ],
    dense: matMul,
    mapped: (mesh) =>
      localMap(matMul, { mesh, in: [{ tp: Shard(1) }, { tp: Shard(0) }], out: { tp: Partial("sum") } }),
  },
  "a contraction that is reduced inside": {
    shapes: [
      [5, 7],
      [7, 3],
    ],
    dense: (x, w) => tf.tanh(tf.matMul(x, w)),
    mapped: (mesh) =>
      localMap((x: tf.Tensor, w: tf.Tensor) => tf.tanh(localAllReduce(tf.matMul(x, w), "tp")), {
        ...{ mesh, in: [{ tp: Shard(1) }, { tp: Shard(0) }], out: {} },
      }),
  },
  "a contraction that is scattered": {
    shapes: [
      [5, 7],
      [7, 3],
    ],
    dense: (x, w) => tf.square(tf.matMul(x, w)),
    mapped: (mesh) =>
      localMap(
        (x: tf.Tensor, w: tf.Tensor) => tf.square(localReduceScatter(tf.matMul(x, w), "tp", { dim: 0 })),
        { mesh, in: [{ tp: Shard(1) }, { tp: Shard(0) }], out: { tp: Shard(0) } },
      ),
  },
  "columns that are gathered": {
    shapes: [
      [5, 7],
      [7, 3],
    ],
    dense: (x, w) => tf.square(tf.matMul(x, w)),
    mapped: (mesh) =>
      localMap(
        (x: tf.Tensor, w: tf.Tensor) =>
          tf.square(localAllGather(tf.matMul(x, w), "tp", { dim: -1, size: 3 })),
        { mesh, in: [{}, { tp: Shard(1) }], out: {}, outShapes: ([x], [, w]) => [[x!, w!]] },
      ),
  },
  "a transpose of who holds what": {
    shapes: [
      [6, 5, 4],
      [6, 5, 4],
    ],
    dense: (x, w) => tf.mul(tf.sin(x), w),
    mapped: (mesh) =>
      localMap(
        (x: tf.Tensor, w: tf.Tensor) =>
          tf.mul(localAllToAll(tf.sin(x), "tp", { splitDim: 1, concatDim: 0, size: 6 }), w),
        { mesh, in: [{ tp: Shard(0) }, { tp: Shard(1) }], out: { tp: Shard(1) } },
      ),
  },
  "neighbours around a ring": {
    shapes: [[12, 2]],
    // Every chunk times the chunk before it, whatever their number: rows in 12 chunks.
    dense: (x) => tf.mul(x, tf.concat([tf.slice(x, [11, 0], [1, 2]), tf.slice(x, [0, 0], [11, 2])])),
    mapped: (mesh) =>
      localMap(
        (x: tf.Tensor) => {
          const rows = x.shape[0];
          const before = localShift(tf.slice(x, [rows - 1, 0], [1, 2]), "tp");
          return tf.mul(x, tf.concat([before, tf.slice(x, [0, 0], [rows - 1, 2])]));
        },
        { mesh, in: [{ tp: Shard(0) }], out: { tp: Shard(0) } },
      ),
  },
  "rows that visit the next rank": {
    shapes: [[5, 3]],
    dense: (x) => tf.exp(tf.sin(x)),
    mapped: (mesh) => {
      const [size, rank] = [mesh.sizeOf("tp"), mesh.group("tp").rank];
      const most = Math.ceil(5 / size);
      // Rank `from` sends its rows to rank `from + 1`.
      const counts = (from: number, at: number): number[] =>
        Array.from({ length: size }, (_, r) => (r === at ? Math.max(0, Math.min(most, 5 - from * most)) : 0));
      const before = (rank + size - 1) % size;
      const there = { sendCounts: counts(rank, (rank + 1) % size), receiveCounts: counts(before, before) };
      const back = { sendCounts: there.receiveCounts, receiveCounts: there.sendCounts };
      const visit = (x: tf.Tensor): tf.Tensor =>
        localExchangeRows(tf.exp(localExchangeRows(tf.sin(x), "tp", there)), "tp", back);
      return localMap(visit, { mesh, in: [{ tp: Shard(0) }], out: { tp: Shard(0) } });
    },
  },
  "the same work on every rank": {
    shapes: [[5, 3]],
    dense: (x) => tf.tanh(x),
    mapped: (mesh) => localMap((x: tf.Tensor) => tf.tanh(x), { mesh, in: [{}], out: {} }),
  },
  "the same work on every rank, said so": {
    shapes: [[5, 3]],
    dense: (x) => tf.tanh(x),
    mapped: (mesh) =>
      localMap((x: tf.Tensor) => tf.tanh(x), {
        ...{ mesh, in: [{}], out: {} },
        inGradients: [{ dp: Replicate(), tp: Replicate() }],
        outGradients: [{ dp: Replicate(), tp: Replicate() }],
      }),
  },
  "both axes of a mesh": {
    shapes: [
      [5, 7],
      [7, 3],
    ],
    dense: (x, w) => tf.tanh(tf.matMul(x, w)),
    mapped: (mesh) =>
      localMap((x: tf.Tensor, w: tf.Tensor) => tf.tanh(localAllReduce(tf.matMul(x, w), "tp")), {
        ...{ mesh, in: [{ dp: Shard(0), tp: Shard(1) }, { tp: Shard(0) }], out: { dp: Shard(0) } },
      }),
  },
  "one dim cut by both axes": {
    shapes: [[7, 2]],
    dense: (x) => tf.square(x),
    mapped: (mesh) =>
      localMap((x: tf.Tensor) => tf.square(x), {
        ...{ mesh, in: [{ dp: Shard(0), tp: Shard(0) }], out: { dp: Shard(0), tp: Shard(0) } },
      }),
  },
  "a sum that arrives unreduced": {
    shapes: [
      [5, 7],
      [7, 3],
      [3, 4],
    ],
    dense: (x, w, u) => tf.matMul(tf.matMul(x, w), u),
    mapped: (mesh) => {
      const through = localMap((p: tf.Tensor, u: tf.Tensor) => tf.matMul(p, u), {
        ...{ mesh, in: [{ tp: Partial("sum") }, {}], out: { tp: Partial("sum") } },
      });
      return (x, w, u) => {
        const [left, right] = [shard(x, mesh, { tp: Shard(1) }), shard(w, mesh, { tp: Shard(0) })];
        return through(tf.matMul(left, right), u);
      };
    },
  },
  "two results": {
    shapes: [[5, 3]],
    dense: (x) => tf.add(tf.sum(tf.square(x)), tf.sin(x)),
    mapped: (mesh) => {
      const both = localMap((x: tf.Tensor) => [tf.sin(x), tf.sum(tf.square(x))] as const, {
        ...{ mesh, in: [{ tp: Shard(0) }], out: [{ tp: Shard(0) }, { tp: Partial("sum") }] },
      });
      return (x) => {
        const [sines, squares] = both(x);
        return tf.add(squares, sines);
      };
    },
  },
  "an integer input": {
    shapes: [[5, 3]],
    dense: (x) => tf.gather(x, tf.tensor1d([4, 0, 4], "int32")),
    mapped: (mesh) => {
      // Columns are split; every rank picks the same rows of its own.
      const pick = localMap((x: tf.Tensor, rows: tf.Tensor) => tf.gather(x, rows as tf.Tensor1D), {
        ...{ mesh, in: [{ tp: Shard(1) }, {}], out: { tp: Shard(1) } },
      });
      return (x) => pick(x, tf.tensor1d([4, 0, 4], "int32"));
    },
  },
};

/** Pairwise different values, the same on every rank. */
export function wave(shape: readonly number[], seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tidy(() => tf.reshape(tf.sin(tf.mul(tf.range(0, size), 0.7 + seed / 7)), [...shape]));
}

function weighted(f: Function): (...inputs: tf.Tensor[]) => tf.Scalar {
  return (...inputs) =>
    tf.tidy(() => {
      const y = f(...inputs);
      return tf.sum(tf.mul(y, wave(y.shape, 5)));
    });
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const results: Record<string, NamedValues[string]> = {};
  for (const [name, { shapes, dense, mapped }] of Object.entries(CASES)) {
    const f = world.size === 1 ? dense : mapped(mesh);
    let leaked: MemoryCounts | undefined;
    for (let round = 0; round < 2; round++) {
      const before = countMemory(world);
      tf.tidy(() => {
        const inputs = shapes.map((shape, i) => wave(shape, i));
        const gradients = tf.grads(weighted(f))(inputs);
        const pulled = gradientsInTwoSteps(f, inputs);
        const again = tf.grads(weighted(checkpoint(f)))(inputs);
        Object.assign(
          results,
          collectValues({
            [`${name}: value`]: f(...inputs),
            ...named(`${name}: gradient`, gradients),
            ...named(`${name}: gradient by vjp`, pulled),
            ...named(`${name}: gradient by checkpoint`, again),
          }),
        );
      });
      leaked = growth(before, countMemory(world));
    }
    // The first round interns layouts and compiles moves; the second leaves nothing. The twin says what is expected.
    const counts = Object.values(leaked!).map((count: number) => (world.size === 1 ? 0 : count));
    results[`${name}: leak`] = { shape: [counts.length], values: Float32Array.from(counts) };
  }
  return results;
});

/** Half of the inputs in the first pass, the others as parameters in the second. */
function gradientsInTwoSteps(f: Function, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const [x, ...rest] = inputs;
  const variables = rest.map((value) => tf.variable(value));
  const { value, pullback } = vjp((first: tf.Tensor) => weighted(f)(first, ...variables), [x!], {
    parameters: variables,
  });
  const [dx] = pullback.inputs(tf.onesLike(value));
  const gradients = pullback.parameters();
  const result = [dx!, ...variables.map(({ name }) => gradients.get(name)!)];
  tf.dispose(variables);
  return result;
}

function named(what: string, tensors: readonly tf.Tensor[]): Record<string, tf.Tensor> {
  return Object.fromEntries(tensors.map((tensor, i) => [`${what} ${i}`, tensor]));
}
