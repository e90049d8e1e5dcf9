/**
 * Loads an addon in a process of its own, so that one that crashes takes nothing along.
 *
 * @packageDocumentation
 */
import type { Environment } from "./engine-cache.ts";
import { lastLine, runTool } from "./run-tool.ts";

/** What a loaded addon says. */
export type LoadCheck =
  | { readonly loads: true; readonly tensorflowVersion: string; readonly usesGpu: boolean }
  | { readonly loads: false; readonly reason: string };

/** Printed before the answer: TensorFlow writes to the same streams. */
const MARK = "meshwright-addon:";

const PROGRAM = `const binding = require(process.argv[1]);
console.log("\\n${MARK}" + JSON.stringify([binding.TF_Version, binding.isUsingGpuDevice()]));`;

/** Loads the addon at `path` and asks for TensorFlow's version and devices. Takes a second. */
export async function checkLoad(
  path: string,
  { env, signal }: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<LoadCheck> {
  const quiet = { ...env, TF_CPP_MIN_LOG_LEVEL: "3" };
  const { code, output } = await runTool([process.execPath], ["-e", PROGRAM, path], { env: quiet, signal });
  const answer = output.split("\n").find((line) => line.startsWith(MARK));
  if (code === 0 && answer !== undefined) {
    const [tensorflowVersion, usesGpu] = JSON.parse(answer.slice(MARK.length)) as [string, boolean];
    return { loads: true, tensorflowVersion, usesGpu };
  }
  return {
    loads: false,
    reason: code === undefined ? "the process was ended by a signal" : lastLine(output),
  };
}
