/**
 * `readTopology`: the file that `meshwright topology --save` writes.
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { ContractError } from "../errors.ts";
import { topologyProblem, type Topology } from "./topology.ts";

/**
 * Reads a measured topology, for the option `topology` of `createWorld` and `launch`. In an MPI job every process reads
 * it, so the file must be on every host.
 *
 * @example
 * ```ts
 * await launch(program, { ranks: 8, topology: readTopology("topology.json") });
 * ```
 * @throws ContractError if the file cannot be read, is not JSON, or holds something else.
 */
export function readTopology(file: string | URL): Topology {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContractError(
      `readTopology: file ${String(file)} (${reason}) must be one that meshwright topology --save wrote; measure it, and copy it to every host.`,
      { cause: error },
    );
  }
  const problem = topologyProblem(found);
  if (problem !== undefined) throw new ContractError(`readTopology: file ${String(file)}: ${problem}.`);
  return found as Topology;
}
