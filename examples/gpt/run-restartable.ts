/**
 * Starts `restartable.ts` with `meshwright run`, for tests.
 *
 * @packageDocumentation
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { HANG_MS, mpiEnvironment } from "../../packages/core/test/mpi/mpirun.ts";
import type { Outcome } from "./restartable.ts";

/** How the command ended. */
export interface Finished {
  readonly code: number | null;
  /** Absent if the training did not reach its end. */
  readonly outcome: Outcome | undefined;
  readonly stderr: string;
}

/** Options of `meshwright run`. */
export const RESTARTS = ["--resume", "auto", "--max-restarts", "3"];

const bin = fileURLToPath(new URL("../../packages/core/bin/meshwright.mjs", import.meta.url));
const program = fileURLToPath(new URL("./restartable.ts", import.meta.url));

/** Runs it to its end. `onOutput` sees all of stdout so far whenever there is more. */
export async function runRestartable(
  options: readonly string[],
  args: readonly string[],
  onOutput?: (stdout: string) => void,
): Promise<Finished> {
  const child = spawn(process.execPath, [bin, "run", program, "--engine", "cpu", ...options, "--", ...args], {
    ...{ stdio: ["ignore", "pipe", "pipe"], env: mpiEnvironment(), timeout: HANG_MS - 10_000 },
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text.stdout += chunk;
    onOutput?.(text.stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  const [, json] = /outcome (.*)/.exec(text.stdout) ?? [];
  return {
    ...{ code, stderr: text.stderr },
    outcome: json === undefined ? undefined : (JSON.parse(json) as Outcome),
  };
}
