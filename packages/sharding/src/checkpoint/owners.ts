/**
 * Who writes what: each piece of a tensor is written by one of the ranks that hold it.
 *
 * ```
 *   { dp: 2, tp: 2 }    w: tp Shard(1)         rank 0 [0:4, 0:3]   rank 1 [0:4, 3:6]
 *                                              rank 2 [0:4, 0:3]   rank 3 [0:4, 3:6]
 *   two pieces, held by ranks 0, 2 and by ranks 1, 3; the holder that has least to write so far takes one
 * ```
 *
 * @packageDocumentation
 */
import { regionOf, type Region } from "../layout.ts";
import { coordinateOf } from "../mesh.ts";
import type { Placement } from "../placement.ts";

/** A part of a tensor, and the world ranks that hold the same bits of it, ascending. */
export interface HeldPiece {
  readonly region: Region;
  readonly holders: readonly number[];
}

/** A tensor in pieces. */
export interface TensorPieces {
  readonly name: string;
  readonly elementBytes: number;
  readonly pieces: readonly HeldPiece[];
}

/** What a rank writes. */
export interface OwnedPiece {
  readonly name: string;
  readonly region: Region;
}

/**
 * The pieces of a tensor laid out on a mesh. Empty parts are left out.
 *
 * @param rankAt - the world rank at a position (row-major) of the mesh
 */
export function piecesOf(
  shape: readonly number[],
  placements: readonly Placement[],
  mesh: { readonly shape: readonly number[]; readonly rankAt: (coordinate: readonly number[]) => number },
): readonly HeldPiece[] {
  const pieces = new Map<string, { readonly region: Region; readonly holders: number[] }>();
  const numRanks = mesh.shape.reduce((a, b) => a * b, 1);
  for (let position = 0; position < numRanks; position++) {
    const coordinate = coordinateOf(mesh.shape, position);
    const region = regionOf(shape, placements, mesh.shape, coordinate);
    if (region.shape.includes(0)) continue;
    const key = region.offset.join();
    const piece = pieces.get(key) ?? { region, holders: [] };
    piece.holders.push(mesh.rankAt(coordinate));
    pieces.set(key, piece);
  }
  return [...pieces.values()].map(({ region, holders }) => ({
    region,
    holders: holders.sort((a, b) => a - b),
  }));
}

/**
 * What rank `rank` writes. The largest pieces are given away first, each to the holder that has least so far (the lowest
 * rank if there are several), so that files come out about equal. Ranks that hold the same tensors compute the same.
 */
export function ownedPieces(tensors: readonly TensorPieces[], rank: number): readonly OwnedPiece[] {
  const all = tensors.flatMap(({ name, elementBytes, pieces }) =>
    pieces.map(({ region, holders }) => ({
      name,
      region,
      holders,
      bytes: elementBytes * region.shape.reduce((a, b) => a * b, 1),
    })),
  );
  all.sort((a, b) => b.bytes - a.bytes);
  const written = new Map<number, number>();
  const load = (holder: number): number => written.get(holder) ?? 0;
  return all.filter(({ holders, bytes }) => {
    const owner = holders.reduce((best, holder) => (load(holder) < load(best) ? holder : best));
    written.set(owner, load(owner) + bytes);
    return owner === rank;
  });
}
