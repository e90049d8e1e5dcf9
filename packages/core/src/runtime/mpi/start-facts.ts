/**
 * What the processes of a job compare before anything runs: they must be of one mind about versions, program and options.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ContractError } from "../../errors.ts";
import type { RankSettings } from "../messages.ts";

/** Something that must be the same on all ranks. */
export interface Claim {
  /** What it is, for example `program file train.ts`. */
  readonly what: string;
  readonly value: string;
  /** What to do where it differs. */
  readonly fix: string;
}

/** Where rank 0 listens for the other processes. */
export interface ControlAddress {
  readonly addresses: readonly string[];
  readonly port: number;
  /** Whoever connects must know it. It travels by MPI. */
  readonly secret: string;
}

/** What one process says about itself. */
export interface StartFacts {
  readonly host: string;
  readonly claims: readonly Claim[];
  /** On rank 0 only. */
  readonly control?: ControlAddress;
}

/** Bytes of one process's facts as JSON, at most. */
export const FACTS_BYTES = 8_192;

/** Longest value that is shown. */
const SHOWN_LENGTH = 200;

/** SHA-256 of a file, shortened to what is needed to tell versions apart. */
export function fileHash(url: string): string {
  return hashOf(readFileSync(new URL(url)));
}

/** SHA-256 of bytes or text, shortened. */
export function hashOf(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

/** A claim about a value of any length: its beginning is shown, all of it is compared. */
export function claim(what: string, value: string, fix: string): Claim {
  const isShort = value.length <= SHOWN_LENGTH;
  return { what, value: isShort ? value : `${value.slice(0, SHOWN_LENGTH)}... (${hashOf(value)})`, fix };
}

/**
 * Compares the facts of all ranks.
 *
 * @throws ContractError that lists every claim on which ranks differ, and who says what.
 */
export function checkFacts(facts: readonly StartFacts[]): void {
  const names = [...new Set(facts.flatMap(({ claims }) => claims.map(({ what }) => what)))];
  const problems = names.flatMap((what) => {
    const said = new Map<string, number[]>();
    facts.forEach(({ claims }, rank) => {
      const value = claims.find((each) => each.what === what)?.value ?? "none";
      said.set(value, [...(said.get(value) ?? []), rank]);
    });
    if (said.size === 1) return [];
    const fix = facts.flatMap(({ claims }) => claims).find((each) => each.what === what)!.fix;
    const parts = [...said].map(([value, ranks]) => `${value} on ${rankList(ranks, facts)}`);
    return [`${what} (${parts.join("; ")}) must be the same on all ranks; ${fix}`];
  });
  if (problems.length === 1) throw new ContractError(`MPI: ${problems.join("")}.`);
  if (problems.length > 1) {
    throw new ContractError(`MPI:${problems.map((problem) => `\n- ${problem}.`).join("")}`);
  }
}

function rankList(ranks: readonly number[], facts: readonly StartFacts[]): string {
  const shown = ranks.slice(0, 8).map((rank) => `rank ${rank} (${facts[rank]!.host})`);
  return shown.join(", ") + (ranks.length > 8 ? ` and ${ranks.length - 8} more` : "");
}

/** The settings of the world. */
export function settingsClaim(settings: RankSettings): Claim {
  return claim(
    "settings of the world",
    JSON.stringify(settings),
    "give every rank the same command line and environment",
  );
}
