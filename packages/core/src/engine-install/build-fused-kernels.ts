/**
 * Compiles the fused operations of the tensorflow engine, beside the addon.
 *
 * @packageDocumentation
 */
import { fusedKernelsArguments } from "../engine/tensorflow-kernels/native-sources.ts";
import type { InstallContext } from "./install-context.ts";
import { nodeHeaders } from "./node-headers.ts";
import { lastLine, runTool, type Tool } from "./run-tool.ts";

/**
 * Writes the library into `libraries`. The engine does the same work in more passes without it, so a compiler that cannot
 * build it is reported and costs speed, not the installation.
 *
 * @returns whether it was built
 */
export async function buildFusedKernels(
  libraries: string,
  compiler: Tool,
  { env, signal, progress }: InstallContext,
): Promise<boolean> {
  const options = fusedKernelsArguments({ libraries, nodeHeaders: nodeHeaders() });
  const { code, output } = await runTool(compiler, options, { env, signal });
  if (code === 0) return true;
  progress.note(`no fused operations (${lastLine(output)}): the engine runs without them, slower`);
  return false;
}
