/**
 * The same loop with PyTorch's gloo.
 *
 * @packageDocumentation
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ContractError } from "@meshwright/core";
import { caseArgument, type Case } from "./cases.ts";

/** Microseconds per call, per case; `null` where gloo does not have the collective. */
export function withGloo(
  python: string,
  ranks: number,
  cases: readonly Case[],
  samples: number,
): readonly (number | null)[] {
  const script = fileURLToPath(new URL("./gloo.py", import.meta.url));
  const args = [script, String(ranks), ...cases.map(caseArgument), String(samples)];
  const { status, stdout } = spawnSync(python, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) {
    throw new ContractError(
      `bench mpi: ${python} (ended with ${String(status)}) must run bench/mpi/gloo.py; see its message above, or leave --python out.`,
    );
  }
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as number | null);
}
