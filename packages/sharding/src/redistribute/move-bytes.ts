/**
 * How many bytes each rank sends in a move, exactly as the ledger counts them.
 *
 * Legend: n = ranks that take part, L = bytes that the rank holds before, L' = after.
 *
 * | move           | bytes that a rank sends                       | even shards, S = bytes of the whole |
 * | -------------- | --------------------------------------------- | ----------------------------------- |
 * | all-reduce     | 2L(n-1)/n                                     | 2S(n-1)/n                           |
 * | all-gather     | L(n-1)                                        | S(n-1)/n                            |
 * | reduce-scatter | L - L'                                        | S(n-1)/n                            |
 * | all-to-all     | what others lack and this rank is asked for   | `Shard -> Shard`: S(n-1)/n^2        |
 * | local          | nothing                                       | 0                                   |
 *
 * @packageDocumentation
 */
import { numElements, regionOf, type Region } from "../layout.ts";
import { coordinateOf } from "../mesh.ts";
import type { Placement } from "../placement.ts";
import type { Move } from "./move.ts";
import { elementsSent } from "./transfers.ts";

/** The tensor that moves, and the shape of its mesh. */
export interface MovedTensor {
  /** Global shape. */
  readonly shape: readonly number[];
  readonly bytesPerElement: number;
  /** Ranks along each axis. */
  readonly meshShape: readonly number[];
}

/** The ranks that take part in a move with the rank at `coordinate`, in group order: their coordinates. */
export function memberCoordinates(
  meshShape: readonly number[],
  axes: readonly number[],
  coordinate: readonly number[],
): number[][] {
  const groupShape = axes.map((axis) => meshShape[axis]!);
  return Array.from({ length: numElements(groupShape) }, (_, position) => {
    const member = [...coordinate];
    coordinateOf(groupShape, position).forEach((at, i) => {
      member[axes[i]!] = at;
    });
    return member;
  });
}

/** What each of the ranks at `coordinates` holds. */
export function regionsOf(
  tensor: MovedTensor,
  placements: readonly Placement[],
  coordinates: readonly (readonly number[])[],
): Region[] {
  return coordinates.map((at) => regionOf(tensor.shape, placements, tensor.meshShape, at));
}

/** Bytes that every rank of the mesh sends; row-major positions in the mesh. */
export function bytesSentPerRank(move: Move, tensor: MovedTensor): number[] {
  const { meshShape } = tensor;
  const sent = new Array<number>(numElements(meshShape)).fill(0);
  if (move.kind === "local") return sent;
  sent.forEach((_, rank) => {
    const coordinate = coordinateOf(meshShape, rank);
    // Each group once, by its first member.
    if (move.axes.some((axis) => coordinate[axis] !== 0)) return;
    const members = memberCoordinates(meshShape, move.axes, coordinate);
    bytesSentInGroup(move, tensor, members).forEach((bytes, position) => {
      sent[rankAt(meshShape, members[position]!)] = bytes;
    });
  });
  return sent;
}

/** Bytes that each of the ranks that take part sends; `members` are their coordinates in group order. */
export function bytesSentInGroup(
  move: Move,
  tensor: MovedTensor,
  members: readonly (readonly number[])[],
): number[] {
  const { bytesPerElement } = tensor;
  const have = regionsOf(tensor, move.from, members);
  const held = have.map(({ shape }) => numElements(shape) * bytesPerElement);
  const size = members.length;
  switch (move.kind) {
    case "local":
      return held.map(() => 0);
    case "allReduce":
      // Written as the ledger's own formula, so that the rounding is the same.
      return held.map((bytes) => (2 * bytes * (size - 1)) / size);
    case "allGather":
      return held.map((bytes) => bytes * (size - 1));
    case "reduceScatter": {
      const want = regionsOf(tensor, move.to, members);
      return held.map((bytes, i) => bytes - numElements(want[i]!.shape) * bytesPerElement);
    }
    case "allToAll": {
      const want = regionsOf(tensor, move.to, members);
      return elementsSent(have, want).map((elements) => elements * bytesPerElement);
    }
  }
}

function rankAt(meshShape: readonly number[], coordinate: readonly number[]): number {
  return coordinate.reduce((rank, at, axis) => rank * meshShape[axis]! + at, 0);
}
