/**
 * Checks what a program asks of a save, before anything is written.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { SaveOptions, SaveState } from "./save-checkpoint.ts";

/** @throws ContractError if step or keep is no number that makes sense, or something is not JSON. */
export function checkSave(
  { step, dataPosition, extra, config }: SaveState,
  { keep, files, async }: SaveOptions,
): void {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new ContractError(
      `saveCheckpoint: step (${step}) must be an integer from 0; use the number of steps done.`,
    );
  }
  if (keep !== undefined && (!Number.isSafeInteger(keep) || keep < 1)) {
    throw new ContractError(
      `saveCheckpoint: keep (${keep}) must be a positive integer; use for example keep: 3.`,
    );
  }
  if (files !== undefined && async === true) {
    throw new ContractError(
      "saveCheckpoint: files must not be given with async; use async: false in tests of failures.",
    );
  }
  for (const [name, value] of Object.entries({ dataPosition, extra, config })) {
    const unfit = value === undefined ? undefined : findUnfit(value, name);
    if (unfit !== undefined) {
      throw new ContractError(
        `saveCheckpoint: ${unfit} must be JSON (null, boolean, finite number, text, list, plain object); use plain data.`,
      );
    }
  }
}

/** The path of the first thing that JSON would change or drop. */
function findUnfit(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === "boolean" || typeof value === "string") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${path} (${value})`;
  if (Array.isArray(value)) return firstUnfit(value.map((item, i) => [`${path}[${i}]`, item]));
  const isPlain = typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return `${path} (${typeof value})`;
  return firstUnfit(Object.entries(value).map(([key, field]) => [`${path}.${key}`, field as unknown]));
}

function firstUnfit(fields: readonly (readonly [string, unknown])[]): string | undefined {
  for (const [path, value] of fields) {
    const unfit = findUnfit(value, path);
    if (unfit !== undefined) return unfit;
  }
  return undefined;
}
