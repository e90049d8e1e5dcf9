/**
 * Compiles the fused operations of the tensorflow engine, and what loads TensorFlow quietly, beside the addon.
 *
 * @packageDocumentation
 */
import { fusedKernelsArguments, quietLoadArguments } from "../engine/tensorflow-kernels/native-sources.ts";
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
  const build = { libraries, nodeHeaders: nodeHeaders() };
  for (const options of [fusedKernelsArguments(build), quietLoadArguments(build)]) {
    const { code, output } = await runTool(compiler, options, { env, signal });
    if (code === 0) continue;
    progress.note(`no fused operations (${lastLine(output)}): the engine runs without them, slower`);
    return false;
  }
  return true;
}
