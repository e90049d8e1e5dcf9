/**
 * Which rank reads what, and who checks the hashes of pieces that nobody reads whole.
 *
 * @packageDocumentation
 */
import {
  CheckpointError,
  decodeElements,
  elementBytes,
  type CheckpointReader,
  type PieceRecord,
  type ProcessGroup,
} from "@meshwright/core";
import { numElements } from "../layout.ts";
import { agree } from "./agree.ts";
import type { LoadTarget, LoadTargets } from "./load-targets.ts";

/** A piece that this rank reads for its hash alone. */
export interface PieceToVerify {
  readonly name: string;
  readonly piece: PieceRecord;
}

/** What is known of a tensor or a piece, the larger of the ranks' words. */
const UNUSED = 0;
const IN_PARTS = 1;
const WHOLE = 2;

/**
 * Opens the files that this rank needs, and finds out with the other ranks which tensors nobody asks for, and which pieces
 * are read in parts only; those are shared out by size.
 *
 * Communication: an all-reduce of one byte per tensor and piece.
 *
 * @throws CheckpointError if a file is missing, cut short or another one than the index says, or if the checkpoint has a
 * tensor that no rank asks for.
 */
export async function planReads(
  reader: CheckpointReader,
  { targets, isAskedFor }: LoadTargets,
  { group, verify }: { readonly group: ProcessGroup; readonly verify: boolean },
): Promise<readonly PieceToVerify[]> {
  const pieces = Object.entries(reader.index.tensors).flatMap(([name, tensor]) =>
    tensor.pieces.map((piece) => ({ name, piece })),
  );
  const names = Object.keys(reader.index.tensors);
  const own = await agree(group, "loadCheckpoint: files", () => ownReads(reader, targets));
  const words = Int32Array.from([
    ...names.map((name) => (own.names.has(name) ? WHOLE : UNUSED)),
    ...pieces.map(({ piece }) => own.pieces.get(piece) ?? UNUSED),
  ]);
  group.allReduce(words, { op: "max", label: "loadCheckpoint: plan" });
  const unused = names.find((name, i) => words[i] === UNUSED && isAskedFor(name));
  if (unused !== undefined) {
    throw new CheckpointError(
      `loadCheckpoint: tensor "${unused}" of ${reader.folder} must belong to what is loaded, but nothing has this name; use the model that was saved.`,
    );
  }
  if (!verify) return [];
  const inParts = pieces.filter((_, i) => words[names.length + i] === IN_PARTS);
  return shareOut(inParts, group);
}

function ownReads(
  reader: CheckpointReader,
  targets: readonly LoadTarget[],
): { readonly names: ReadonlySet<string>; readonly pieces: ReadonlyMap<PieceRecord, number> } {
  const pieces = new Map<PieceRecord, number>();
  for (const { name, region } of targets) {
    for (const { piece, isWhole } of reader.wantedPieces(name, region)) {
      reader.file(name, piece);
      pieces.set(piece, isWhole ? WHOLE : IN_PARTS);
    }
  }
  return { names: new Set(targets.map(({ name }) => name)), pieces };
}

/** Largest first, each to the rank that has least so far; every rank computes the same. */
function shareOut(pieces: readonly PieceToVerify[], { rank, size }: ProcessGroup): readonly PieceToVerify[] {
  const loads = new Array<number>(size).fill(0);
  const bySize = pieces
    .map((entry) => ({ entry, elements: numElements(entry.piece.shape) }))
    .sort((a, b) => b.elements - a.elements);
  return bySize.flatMap(({ entry, elements }) => {
    const owner = loads.indexOf(Math.min(...loads));
    loads[owner]! += elements;
    return owner === rank ? [entry] : [];
  });
}

/** Reads this rank's share of pieces for their hashes; returns the bytes. @throws CheckpointError if a hash differs. */
export function verifyShare(reader: CheckpointReader, share: readonly PieceToVerify[]): number {
  let total = 0;
  for (const { name, piece } of share) {
    reader.verifyPiece(name, piece);
    total += numElements(piece.shape) * elementBytes(reader.tensor(name).dtype);
  }
  return total;
}

/** Reads a target's part and fills it in. */
export function fillTarget(
  reader: CheckpointReader,
  { name, region, fill }: LoadTarget,
  verify: boolean,
): void {
  const { dtype } = reader.tensor(name);
  const bytes = reader.readBox(name, region, { verify });
  fill(decodeElements(bytes, dtype, `${reader.folder}: tensor "${name}"`));
}
