/**
 * From the URL of a program file to the program in it: the check on the main thread, the import on the ranks.
 *
 * @packageDocumentation
 */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ContractError } from "../errors.ts";
import { describeThrown } from "./error-record.ts";
import type { Program } from "./program.ts";

const EXPORT_FIX = "write `export default defineProgram(async ({ world }) => { ... })` in it";

/** Whether Node needs tsx to import the file. */
export function isTypeScript(url: string): boolean {
  return /\.[cm]?tsx?$/.test(new URL(url).pathname);
}

/**
 * Checks that `program` names a file that exists.
 *
 * @throws ContractError if it does not.
 */
export function checkProgramFile(where: string, program: URL): string {
  if (!(program instanceof URL) || program.protocol !== "file:") {
    throw new ContractError(
      `${where}: program (${String(program)}) must be the file URL of a program file; use new URL("./train.ts", import.meta.url).`,
    );
  }
  if (statSync(program, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ContractError(`${where}: program file (${fileURLToPath(program)}) must exist; check the path.`);
  }
  return program.href;
}

/**
 * Imports the program on a rank.
 *
 * @throws ContractError if the file throws while it is imported, or does not export a program.
 */
export async function loadProgram(url: string): Promise<Program> {
  const path = fileURLToPath(url);
  let exported: unknown;
  try {
    exported = defaultOf(await import(url));
  } catch (error) {
    throw new ContractError(
      `world.run: program file (${path}) must import without an error, but it threw "${describeThrown(error)}"; see the cause.`,
      { cause: error },
    );
  }
  if (!isProgram(exported)) {
    throw new ContractError(
      `world.run: program file (${path}) must have a default export made by defineProgram (it has ${typeOf(exported)}); ${EXPORT_FIX}.`,
    );
  }
  return exported;
}

/** A TypeScript file outside a package of type "module" is CommonJS, whose `default` export lies one level deeper. */
function defaultOf(namespace: unknown): unknown {
  const outer = fieldOf(namespace, "default");
  const inner = fieldOf(outer, "default");
  return isProgram(inner) ? inner : outer;
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
}

function isProgram(value: unknown): value is Program {
  return fieldOf(value, "kind") === "meshwright-program" && typeof fieldOf(value, "main") === "function";
}

function typeOf(value: unknown): string {
  if (value === undefined) return "none";
  if (value === null) return "null";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
