/**
 * What a writer thread is given, and what it answers.
 *
 * @packageDocumentation
 */
import type { CommitOptions, PartToWrite, PieceToWrite, SaveTarget } from "./commit.ts";

/** A piece whose bytes were copied when the save began. */
export type SnapshotPiece = Omit<PieceToWrite, "bytes"> & { readonly data: Uint8Array };

/** One rank's part of a save. */
export interface WriterJob extends Omit<PartToWrite, "pieces"> {
  readonly target: SaveTarget;
  readonly pieces: readonly SnapshotPiece[];
  /** For the rank that completes the checkpoint, as soon as all parts are there. */
  readonly commit: CommitOptions | undefined;
}

/** What the thread says. */
export type WriterMessage =
  | { readonly kind: "written"; readonly bytes: number }
  | { readonly kind: "committed"; readonly folder: string }
  | { readonly kind: "failed"; readonly message: string };

/** What the thread is told: some other rank failed, so there will be no checkpoint. */
export const GIVE_UP = "give up";
