/**
 * Compiles tfjs-node's addon against a libtensorflow, with the machine's C++ compiler.
 *
 * @packageDocumentation
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDON_UNITS } from "./addon-sources.ts";
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext } from "./install-context.ts";
import { NODE_API_VERSION, nodeHeaders } from "./node-headers.ts";
import { findTool, lastLine, runTool, type Tool } from "./run-tool.ts";

/** The addon's file. */
export const ADDON_FILE = "tfjs_binding.node";

/** A C++ compiler, or `undefined` if there is none. `CXX` comes first. */
export async function findCompiler({
  env,
  signal,
}: Pick<InstallContext, "env" | "signal">): Promise<Tool | undefined> {
  const own = (env.CXX ?? "").trim().split(/\s+/);
  const [command = "", ...args] = own;
  const candidates: readonly Tool[] = [
    ...(command === "" ? [] : [[command, ...args] as const]),
    ["g++"],
    ["c++"],
    ["clang++"],
  ];
  return (await findTool(candidates, { env, signal }))?.tool;
}

/** @throws EngineInstallError if there is none. */
export async function requireCompiler(context: Pick<InstallContext, "env" | "signal">): Promise<Tool> {
  const compiler = await findCompiler(context);
  if (compiler !== undefined) return compiler;
  throw new EngineInstallError(
    "check",
    `C++ compiler (not found; tried CXX, g++, c++, clang++) must be on PATH; use "apt install g++" or its like, or set CXX.`,
  );
}

/** Where a build reads from and writes to. */
export interface AddonBuild {
  /** Folder of the repaired sources. */
  readonly sources: string;
  /** Folders of TensorFlow's headers. */
  readonly includes: readonly string[];
  /** Folder with `libtensorflow.so` and `libtensorflow_framework.so`, in which the addon is written. */
  readonly libraries: string;
}

/**
 * Writes the addon. It finds its libraries in its own folder (`$ORIGIN`), wherever that is moved.
 *
 * @throws EngineInstallError if the compiler fails; its whole output is kept beside the downloads.
 */
export async function buildAddon(build: AddonBuild, compiler: Tool, context: InstallContext): Promise<void> {
  const { env, signal } = context;
  const output = join(build.libraries, ADDON_FILE);
  const result = await runTool(compiler, compilerArguments(build, output), { env, signal });
  if (result.code === 0) return;
  const log = join(context.cache.root, "build.log");
  await writeFile(log, result.output);
  const ended = result.code === undefined ? "ended by a signal" : `exit code ${result.code}`;
  throw new EngineInstallError(
    "build",
    `"${compiler.join(" ")}" (${ended}: ${lastLine(result.output)}) must compile C++17 for this machine; use g++ 9 or clang 10 or later, and see ${log}.`,
  );
}

function compilerArguments({ sources, includes, libraries }: AddonBuild, output: string): readonly string[] {
  return [
    ...["-std=c++17", "-O2", "-shared", "-fPIC", `-DNAPI_VERSION=${NODE_API_VERSION}`],
    ...[nodeHeaders(), ...includes].flatMap((folder) => ["-I", folder]),
    ...ADDON_UNITS.map((unit) => join(sources, unit)),
    ...["-L", libraries, "-ltensorflow", "-ltensorflow_framework", "-Wl,-rpath,$ORIGIN"],
    ...["-o", output],
  ];
}
