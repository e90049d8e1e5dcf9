/**
 * From (seed, name) to a generator key.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { ContractError } from "../errors.ts";
import type { PhiloxKey } from "./philox.ts";

/** What identifies a random stream. */
export interface StreamId {
  /** An integer in `[0, 2^53)`. */
  readonly seed: number;
  /** Any text; for a parameter its dotted name. */
  readonly name: string;
}

/**
 * The first 8 bytes of SHA-256 over the UTF-8 text `"<seed in decimal>:<name>"`, as two little-endian 32-bit words.
 *
 * Different (seed, name) pairs give unrelated streams; the decimal seed ends at the first colon, so no two pairs share
 * a text.
 *
 * @throws ContractError if the seed is not an integer in `[0, 2^53)`.
 */
export function philoxKey({ seed, name }: StreamId): PhiloxKey {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ContractError(
      `philoxKey: seed (${seed}) must be an integer from 0 to 2^53 - 1; use for example seed: 1.`,
    );
  }
  const digest = createHash("sha256").update(`${seed}:${name}`, "utf8").digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}
