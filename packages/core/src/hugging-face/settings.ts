/**
 * Reads settings one by one and collects everything that is wrong with them.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import type { JsonValue } from "../checkpoint/checkpoint-index.ts";
import type { HuggingFaceConfig } from "./config.ts";

/** Settings of a model. null stands for a setting that is left out, as in Python. */
export class Settings {
  readonly #where: string;
  readonly #config: HuggingFaceConfig;
  readonly #problems: string[] = [];

  /** @param where - the function that errors name */
  constructor(where: string, config: HuggingFaceConfig) {
    this.#where = where;
    this.#config = config;
  }

  /** The value; undefined where it is left out. */
  get(key: string): JsonValue | undefined {
    return this.#config[key] ?? undefined;
  }

  /** A positive integer. */
  size(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
    this.refuse(key, "must be a positive integer; use the config.json that transformers wrote");
    return 1;
  }

  /** A number above 0. */
  positive(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value === "number" && value > 0) return value;
    this.refuse(key, "must be a number above 0; use the config.json that transformers wrote");
    return 1;
  }

  /** True or false. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback;
    if (typeof value === "boolean") return value;
    this.refuse(key, "must be true or false; use the config.json that transformers wrote");
    return fallback;
  }

  /** Refuses any value but these, the first of which stands for a setting that is left out. */
  require(key: string, allowed: readonly JsonValue[], why: string): void {
    if (allowed.includes(this.get(key) ?? allowed[0]!)) return;
    this.refuse(
      key,
      `must be ${allowed.map((value) => JSON.stringify(value)).join(" or ")}, as ${why}; use a model with that setting`,
    );
  }

  /** Notes a problem: `key (value) rule.` */
  refuse(key: string, rule: string): void {
    const value = this.#config[key];
    this.#problems.push(`${key} (${value === undefined ? "left out" : JSON.stringify(value)}) ${rule}.`);
  }

  /** @throws ContractError if anything was refused. */
  finish(): void {
    if (this.#problems.length === 0) return;
    throw new ContractError(
      `${this.#where}: config must describe a model that Meshwright computes alike:\n- ${this.#problems.join("\n- ")}`,
    );
  }
}
