/**
 * The exchange of counts that a layer makes: it says what shape the tokens have, too.
 *
 * ```text
 *   to each rank   [ tokens, features | rows for each of its experts ]
 * ```
 *
 * Ranks that disagree on the shape would otherwise exchange rows of different batches without noticing, because uneven
 * rows are what a layer of experts is used to.
 *
 * @packageDocumentation
 */
import { ContractError, type ProcessGroup } from "@meshwright/core";
import { expertsPerRank } from "./capacity.ts";
import type { DispatchCounts } from "./dispatch-all-to-all.ts";

/**
 * Tells each rank how many rows it will get for each of its experts. One all-to-all; with p ranks, E experts and a shape of
 * n sizes, each sends `4 (E / p + n) (p - 1)` bytes.
 *
 * @param counts - rows of this rank for each of the `E` experts; rank `r` holds experts `r E / p` to `(r + 1) E / p - 1`
 * @param options - `shape`: the global shape of the tokens, the same on all ranks
 * @throws ContractError if the ranks do not divide the experts; on every rank, if their shapes are not the same.
 */
export function exchangeTokenCounts(
  counts: Int32Array,
  { group, shape }: { readonly group: ProcessGroup; readonly shape: readonly number[] },
): DispatchCounts {
  const perRank = expertsPerRank(counts.length, group.size);
  const width = shape.length + perRank;
  const send = new Int32Array(group.size * width);
  const sendCounts = piecesOf(counts, perRank).map((piece, to) => {
    send.set(shape, to * width);
    send.set(piece, to * width + shape.length);
    return sumOf(piece);
  });
  const arrived = piecesOf(group.allToAll(send, { label: "expert counts" }), width);
  const received = new Int32Array(counts.length);
  const receiveCounts = arrived.map((piece, from) => {
    requireSameShape(piece.subarray(0, shape.length), { group, shape, from });
    received.set(piece.subarray(shape.length), from * perRank);
    return sumOf(piece.subarray(shape.length));
  });
  return { received, sendCounts, receiveCounts };
}

function requireSameShape(
  theirs: Int32Array,
  {
    group,
    shape,
    from,
  }: { readonly group: ProcessGroup; readonly shape: readonly number[]; readonly from: number },
): void {
  if (theirs.join() === shape.join()) return;
  throw new ContractError(
    `exchangeTokenCounts: tokens on rank ${group.rank} of "${group.name}" (shape [${shape.join(", ")}]) must have the shape that they have on rank ${from} ([${theirs.join(", ")}]); use a batch of the same global shape on all ranks.`,
  );
}

function piecesOf(values: Int32Array, size: number): Int32Array[] {
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

function sumOf(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
