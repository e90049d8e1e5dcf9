/**
 * Plays all ranks of a mesh in one thread: a stand-in group first collects what every rank sends, then serves it.
 */
import type { Engine, NumericArray, ProcessGroup, ReduceOp } from "@meshwright/core";
import type { DataId, TensorInfo } from "@tensorflow/tfjs";
import { numElements, regionOf } from "../../layout.ts";
import { coordinateOf } from "../../mesh.ts";
import type { Placement } from "../../placement.ts";
import { copyRegion } from "../copy-region.ts";
import { compileMove, executeMove } from "../execute.ts";
import { memberCoordinates, type MovedTensor } from "../move-bytes.ts";
import type { Move } from "../move.ts";

/** What each rank of a group gave to the collective. */
type Sent = { readonly data: NumericArray; readonly counts: readonly number[] }[];

/** The parts of all ranks after the moves. */
export function playMoves(
  locals: readonly Float32Array[],
  moves: readonly Move[],
  tensor: MovedTensor,
): Float32Array[] {
  let current = [...locals];
  for (const move of moves) {
    const sentByGroup = new Map<string, Sent>();
    const pass = (): Float32Array[] => current.map((data, rank) => playMove(data, rank, sentByGroup));
    const playMove = (data: Float32Array, rank: number, groups: Map<string, Sent>): Float32Array => {
      const coordinate = coordinateOf(tensor.meshShape, rank);
      const members = memberCoordinates(tensor.meshShape, move.axes, coordinate);
      const key = members[0]!.join();
      const sent = groups.get(key) ?? [];
      groups.set(key, sent);
      const position = members.findIndex((member) => member.join() === coordinate.join());
      const group = standInGroup(members.length, position, sent);
      const { engine, values } = standInEngine();
      const local = engine.create([data.length], "float32", (out) => {
        out.set(data);
      });
      const compiled = compileMove(move, { tensor, dtype: "float32", coordinate, group });
      return values(executeMove(local, compiled, engine));
    };
    pass();
    current = pass();
  }
  return current;
}

/** What each rank holds of `values`; summands of a partial axis are `value * (position + 1) / (1 + 2 + ... + n)`. */
export function localsOf(
  values: Float32Array,
  placements: readonly Placement[],
  { shape, meshShape }: MovedTensor,
): Float32Array[] {
  return Array.from({ length: numElements(meshShape) }, (_, rank) => {
    const coordinate = coordinateOf(meshShape, rank);
    const region = regionOf(shape, placements, meshShape, coordinate);
    const local = new Float32Array(numElements(region.shape));
    const origin = region.shape.map(() => 0);
    copyRegion(
      { data: values, shape, offset: region.offset },
      { data: local, shape: region.shape, offset: origin },
      region.shape,
    );
    const weight = placements.reduce((product, placement, axis) => {
      const n = meshShape[axis]!;
      return placement.kind === "partial" ? (product * (coordinate[axis]! + 1) * 2) / (n * (n + 1)) : product;
    }, 1);
    return local.map((value) => value * weight);
  });
}

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
      // Elements that a move forgets stay NaN.
      const data = new Float32Array(numElements(shape)).fill(NaN);
      fill?.(data);
      const dataId = {};
      store.set(dataId, data);
      return { dataId, shape: [...shape], dtype };
    },
  };
  return { engine, values };
}

const combine: Readonly<Record<ReduceOp, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  avg: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};

/** A group of `size` ranks seen from `rank`; `sent` is filled in the first pass and read in the second. */
function standInGroup(size: number, rank: number, sent: Sent): ProcessGroup {
  const ranks = Array.from({ length: size }, (_, r) => r);
  const put = (data: NumericArray, counts: readonly number[]): void => {
    sent[rank] ??= { data: data.slice(), counts: [...counts] };
  };
  const isComplete = (): boolean => Object.keys(sent).length === size;
  const piece = (from: number, to: number): NumericArray => {
    const { data, counts } = sent[from]!;
    const start = counts.slice(0, to).reduce((a, b) => a + b, 0);
    return data.subarray(start, start + counts[to]!);
  };
  const reduce = <T extends NumericArray>(pieces: readonly NumericArray[], into: T, op: ReduceOp): T => {
    into.set(pieces[0]!);
    for (const one of pieces.slice(1)) one.forEach((value, i) => (into[i] = combine[op](into[i]!, value)));
    return into;
  };
  const concat = <T extends NumericArray>(pieces: readonly NumericArray[], into: T): T => {
    let at = 0;
    for (const one of pieces) {
      into.set(one, at);
      at += one.length;
    }
    return into;
  };
  const receiver = <T extends NumericArray>(like: T, counts: readonly number[], into: T | undefined): T =>
    into ?? (new Float32Array(counts.reduce((a, b) => a + b, 0)) as typeof like);
  const notUsed = (): never => {
    throw new Error("not used by redistribute");
  };
  const all = (): NumericArray[] => sent.map(({ data }) => data);
  const mine = (): NumericArray[] => ranks.map((from) => piece(from, rank));
  return {
    ...{ name: "axis", ranks, rank, size },
    allReduce: (buffer, { op = "sum", into = buffer } = {}) => {
      put(buffer, []);
      return isComplete() ? reduce(all(), into, op) : into;
    },
    allGather: (send, options) => {
      put(send, []);
      const into = receiver(send, options!.counts!, options!.into);
      return isComplete() ? concat(all(), into) : into;
    },
    reduceScatter: (send, options) => {
      put(send, options!.counts!);
      return isComplete() ? reduce(mine(), options!.into!, options!.op ?? "sum") : options!.into!;
    },
    allToAll: (send, options) => {
      put(send, options!.sendCounts!);
      const into = receiver(send, options!.receiveCounts!, options!.into);
      return isComplete() ? concat(mine(), into) : into;
    },
    broadcast: notUsed,
    send: notUsed,
    receive: notUsed,
    barrier: notUsed,
  };
}
