/**
 * Which engine a caller gets that leaves the choice open.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import type { EngineName } from "./engine.ts";

/** Names the engine of every thread that does not name one itself. */
export const ENGINE_VARIABLE = "MESHWRIGHT_ENGINE";

/**
 * `prefer`, or what the environment names where `prefer` is `"auto"`.
 *
 * @throws ContractError if one of the two is no engine.
 */
export function preferredEngine(
  prefer: "auto" | EngineName,
  names: readonly EngineName[],
  environment: NodeJS.ProcessEnv,
): "auto" | EngineName {
  if (prefer !== "auto") return checked(`startEngine: prefer ("${prefer}")`, prefer, names, 'prefer: "auto"');
  const named = environment[ENGINE_VARIABLE];
  if (named === undefined || named === "") return "auto";
  return checked(
    `startEngine: the environment variable ${ENGINE_VARIABLE} ("${named}")`,
    named,
    names,
    `${ENGINE_VARIABLE}=auto`,
  );
}

function checked(what: string, name: string, names: readonly EngineName[], fix: string): "auto" | EngineName {
  if (name === "auto") return name;
  const engine = names.find((candidate) => candidate === name);
  if (engine !== undefined) return engine;
  throw new ContractError(`${what} must be "auto" or one of ${names.join(", ")}; use ${fix}.`);
}
