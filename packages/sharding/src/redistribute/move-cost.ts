/**
 * What a move is expected to take. It depends on global shapes only, so every rank computes the same.
 *
 * @packageDocumentation
 */
import { chunk, numElements, regionOf } from "../layout.ts";
import type { MeshGeometry } from "../mesh.ts";
import { groupCost } from "../mesh-costs.ts";
import type { Placement } from "../placement.ts";
import { bytesSentInGroup, memberCoordinates, type MovedTensor } from "./move-bytes.ts";
import type { Move } from "./move.ts";

/** A local step copies at most; it must only lose against doing nothing. A millionth of a millisecond. */
const LOCAL_MS = 1e-6;

/** Milliseconds of a move: `latency + bytes / bandwidth`, with the bytes of the busiest rank. */
export function moveCost(move: Move, mesh: MeshGeometry, tensor: MovedTensor): number {
  if (move.kind === "local") return LOCAL_MS;
  const { bandwidth, latencyMs } = groupCost(mesh, move.axes);
  return latencyMs + (1000 * busiestBytes(move, tensor)) / bandwidth;
}

/** Milliseconds of several moves, one after the other. */
export function pathCost(moves: readonly Move[], mesh: MeshGeometry, tensor: MovedTensor): number {
  return moves.reduce((total, move) => total + moveCost(move, mesh, tensor), 0);
}

/**
 * Bytes that the busiest rank sends, among the ranks that take part with rank 0: its shards are the largest, since
 * `ceil(n / p)` leaves the short ones to the end.
 */
export function busiestBytes(move: Move, tensor: MovedTensor): number {
  const { bytesPerElement, meshShape } = tensor;
  const origin = meshShape.map(() => 0);
  const size = move.axes.reduce((product, axis) => product * meshShape[axis]!, 1);
  const bytesAt = (placements: readonly Placement[], coordinate: readonly number[]): number =>
    numElements(regionOf(tensor.shape, placements, meshShape, coordinate).shape) * bytesPerElement;
  switch (move.kind) {
    case "local":
      return 0;
    case "allReduce":
      return (2 * bytesAt(move.from, origin) * (size - 1)) / size;
    case "allGather":
      return bytesAt(move.from, origin) * (size - 1);
    case "reduceScatter": {
      const last = meshShape.map((ranks, axis) => (move.axes.includes(axis) ? ranks - 1 : 0));
      return bytesAt(move.from, origin) - bytesAt(move.to, last);
    }
    case "allToAll":
      if (move.axes.length === 1) return busiestExchange(move, tensor);
      return Math.max(...bytesSentInGroup(move, tensor, memberCoordinates(meshShape, move.axes, origin)));
  }
}

/** `Shard(a) -> Shard(b)` along one axis: a rank sends its rows of `a`, but for its own columns of `b`. */
function busiestExchange(
  { axes, from, to }: Move,
  { shape, bytesPerElement, meshShape }: MovedTensor,
): number {
  const axis = axes[0]!;
  const [a, b] = [from[axis]!, to[axis]!];
  if (a.kind !== "shard" || b.kind !== "shard") return 0;
  const others = from.map((placement, i): Placement => (i === axis ? { kind: "replicate" } : placement));
  const whole = regionOf(
    shape,
    others,
    meshShape,
    meshShape.map(() => 0),
  ).shape;
  const [rows, columns] = [whole[a.dim]!, whole[b.dim]!];
  const ranks = meshShape[axis]!;
  let busiest = 0;
  for (let rank = 0; rank < ranks; rank++) {
    const sent = chunk(rows, ranks, rank).size * (columns - chunk(columns, ranks, rank).size);
    busiest = Math.max(busiest, sent);
  }
  const perPair = rows * columns === 0 ? 0 : numElements(whole) / (rows * columns);
  return busiest * perPair * bytesPerElement;
}
