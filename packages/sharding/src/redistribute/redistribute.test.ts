/**
 * Moves between random layouts, for all ranks of a mesh in one thread: a stand-in group first collects what every rank
 * sends, then serves it.
 */
import type { Engine, NumericArray, ProcessGroup } from "@meshwright/core";
import type { DataId, TensorInfo } from "@tensorflow/tfjs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numElements, regionOf } from "../layout.ts";
import { coordinateOf } from "../mesh.ts";
import { Partial, Replicate, Shard, type Placement } from "../placement.ts";
import { copyRegion } from "./copy-region.ts";
import { executeStep } from "./execute.ts";
import { redistributeSteps } from "./steps.ts";

type Sent = { readonly data: NumericArray; readonly sendCounts: readonly number[] }[];

function standInEngine(): { engine: Engine; values: (info: TensorInfo) => Float32Array } {
  const store = new Map<DataId, Float32Array>();
  const values = (info: TensorInfo): Float32Array => store.get(info.dataId)!;
  const engine: Engine = {
    name: "cpu",
    backendName: "cpu",
    skipped: [],
    bridgedKernels: () => [],
    view: values,
    create: (shape, dtype, fill) => {
      const data = new Float32Array(numElements(shape)).fill(NaN);
      fill?.(data);
      const dataId = {};
      store.set(dataId, data);
      return { dataId, shape: [...shape], dtype };
    },
  };
  return { engine, values };
}

/** A group of `size` ranks seen from `rank`; `sent` is filled in the first pass and read in the second. */
function standInGroup(size: number, rank: number, sent: Sent): ProcessGroup {
  const put = (data: NumericArray, sendCounts: readonly number[]): void => {
    sent[rank] ??= { data: data.slice(), sendCounts: [...sendCounts] };
  };
  const isComplete = (): boolean => Object.keys(sent).length === size;
  const piece = (from: number, to: number): NumericArray => {
    const { data, sendCounts } = sent[from]!;
    const start = sendCounts.slice(0, to).reduce((a, b) => a + b, 0);
    return data.subarray(start, start + sendCounts[to]!);
  };
  const sum = (pieces: readonly NumericArray[], into: NumericArray): void => {
    into.fill(0);
    for (const one of pieces) one.forEach((value, i) => (into[i]! += value));
  };
  const ranks = Array.from({ length: size }, (_, r) => r);
  const concat = <T extends NumericArray>(pieces: readonly NumericArray[], into: T): T => {
    let at = 0;
    for (const one of pieces) {
      into.set(one, at);
      at += one.length;
    }
    return into;
  };
  const notUsed = (): never => {
    throw new Error("not used by redistribute");
  };
  return {
    name: "axis",
    ranks,
    rank,
    size,
    allReduce: (buffer) => {
      put(
        buffer,
        ranks.map(() => 0),
      );
      if (isComplete())
        sum(
          sent.map(({ data }) => data),
          buffer,
        );
      return buffer;
    },
    allGather: (send, options) => {
      put(send, []);
      const total = options!.counts!.reduce((a, b) => a + b, 0);
      const into = options!.into ?? (new Float32Array(total) as typeof send);
      return isComplete()
        ? concat(
            sent.map(({ data }) => data),
            into,
          )
        : into;
    },
    reduceScatter: (send, options) => {
      put(send, options!.counts!);
      if (isComplete())
        sum(
          ranks.map((from) => piece(from, rank)),
          options!.into!,
        );
      return options!.into!;
    },
    allToAll: (send, options) => {
      put(send, options!.sendCounts!);
      const into = new Float32Array(options!.receiveCounts!.reduce((a, b) => a + b, 0)) as typeof send;
      return isComplete()
        ? concat(
            ranks.map((from) => piece(from, rank)),
            into,
          )
        : into;
    },
    broadcast: notUsed,
    send: notUsed,
    receive: notUsed,
    barrier: notUsed,
  };
}

/** What each rank holds of `values`; summands of a partial axis are `value * (position + 1) / (1 + 2 + ... + n)`. */
function localsOf(
  values: Float32Array,
  shape: readonly number[],
  placements: readonly Placement[],
  mesh: readonly number[],
): Float32Array[] {
  return Array.from({ length: numElements(mesh) }, (_, rank) => {
    const coordinate = coordinateOf(mesh, rank);
    const region = regionOf(shape, placements, mesh, coordinate);
    const local = new Float32Array(numElements(region.shape));
    const origin = region.shape.map(() => 0);
    copyRegion(
      { data: values, shape, offset: region.offset },
      { data: local, shape: region.shape, offset: origin },
      region.shape,
    );
    const weight = placements.reduce((product, placement, axis) => {
      const n = mesh[axis]!;
      return placement.kind === "partial" ? (product * (coordinate[axis]! + 1) * 2) / (n * (n + 1)) : product;
    }, 1);
    return local.map((value) => value * weight);
  });
}

function redistributeAll(
  locals: readonly Float32Array[],
  shape: readonly number[],
  from: readonly Placement[],
  to: readonly Placement[],
  mesh: readonly number[],
): Float32Array[] {
  const placements = [...from];
  let current = [...locals];
  for (const step of redistributeSteps(from, to)) {
    const whole = placements.map((placement, axis) => (axis === step.axis ? Replicate() : placement));
    const size = mesh[step.axis]!;
    const sentByGroup = new Map<string, Sent>();
    const pass = (): Float32Array[] =>
      current.map((data, rank) => {
        const coordinate = coordinateOf(mesh, rank);
        const key = coordinate.filter((_, axis) => axis !== step.axis).join();
        const sent = sentByGroup.get(key) ?? [];
        sentByGroup.set(key, sent);
        const { engine, values } = standInEngine();
        const local = engine.create([data.length], "float32", (out) => {
          out.set(data);
        });
        const group = standInGroup(size, coordinate[step.axis]!, sent);
        const wholeShape = regionOf(shape, whole, mesh, coordinate).shape;
        return values(executeStep(local, step, { engine, group, dtype: "float32", wholeShape }));
      });
    pass();
    current = pass();
    placements[step.axis] = step.to;
  }
  return current;
}

const placement = fc.oneof(
  fc.constant<Placement>(Replicate()),
  fc.constant<Placement>(Partial()),
  fc.integer({ min: 0, max: 1 }).map((dim) => Shard(dim)),
);

describe("redistribute", () => {
  test("reaches every layout from every layout, on 1-D and 2-D meshes, uneven and empty shards included", () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })),
        fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 })),
        fc.tuple(placement, placement),
        fc.tuple(placement, placement),
        (mesh, shape, from, to) => {
          const values = Float32Array.from({ length: numElements(shape) }, (_, i) => i + 1);
          const moved = redistributeAll(localsOf(values, shape, from, mesh), shape, from, to, mesh);
          const regions = localsOf(
            values,
            shape,
            to.map((p) => (p.kind === "partial" ? Replicate() : p)),
            mesh,
          );
          moved.forEach((data, rank) => {
            expect(data.length).toBe(regions[rank]!.length);
          });
          const whole = redistributeAll(moved, shape, to, [Replicate(), Replicate()], mesh);
          for (const data of whole) {
            data.forEach((value, i) => {
              expect(value).toBeCloseTo(values[i]!, 3);
            });
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  test("cuts along an outer axis only while no inner axis cuts the same dim", () => {
    expect(redistributeSteps([Replicate(), Shard(0)], [Shard(0), Shard(0)])).toEqual([
      { axis: 1, from: Shard(0), to: Replicate() },
      { axis: 0, from: Replicate(), to: Shard(0) },
      { axis: 1, from: Replicate(), to: Shard(0) },
    ]);
  });

  test("shrinks before it grows", () => {
    expect(redistributeSteps([Shard(0), Partial()], [Replicate(), Shard(1)])).toEqual([
      { axis: 1, from: Partial(), to: Shard(1) },
      { axis: 0, from: Shard(0), to: Replicate() },
    ]);
  });
});
