/**
 * A small checkpoint of two parts, written without ranks.
 *
 * @packageDocumentation
 */
import { beginSave, commitSave, writePart, type PieceToWrite } from "../commit.ts";
import type { CheckpointFiles } from "../files.ts";

/** Element `i` of tensor `seed` at step `step`. */
export function valueOf(step: number, seed: number, i: number): number {
  return step + seed / 10 + i / 1000;
}

/** `w` is `[5, 3]` in two pieces of rows, `b` is `[4]` in one. */
function piecesOf(step: number, part: number): readonly PieceToWrite[] {
  const values = (seed: number, from: number, count: number) => (): Uint8Array => {
    const out = Float32Array.from({ length: count }, (_, i) => valueOf(step, seed, from + i));
    return new Uint8Array(out.buffer);
  };
  const w = { name: "w", dtype: "F32" as const, globalShape: [5, 3] };
  if (part === 0) return [{ ...w, shape: [3, 3], offset: [0, 0], bytes: values(1, 0, 9) }];
  return [
    { ...w, shape: [2, 3], offset: [3, 0], bytes: values(1, 9, 6) },
    { name: "b", dtype: "F32", globalShape: [4], shape: [4], offset: [0], bytes: values(2, 0, 4) },
  ];
}

/** Saves step `step` in `dir`, as two ranks would, one after the other. Returns the folder. */
export function saveSmall(files: CheckpointFiles, dir: string, step: number, keep?: number): string {
  const target = beginSave(files, dir, step);
  for (const part of [0, 1]) {
    writePart(files, target, {
      ...{ part, numParts: 2, pieces: piecesOf(step, part) },
      ...{ optimizer: null, random: { callIndices: { dropout: step }, mathRandom: null } },
    });
  }
  const facts = { step, mesh: { dp: 2 }, configHash: null, dataPosition: { next: step }, extra: null };
  return commitSave(files, target, { numParts: 2, facts, keep });
}
