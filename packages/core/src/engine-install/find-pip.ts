/**
 * The machine's pip.
 *
 * @packageDocumentation
 */
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext } from "./install-context.ts";
import { findTool, type Tool } from "./run-tool.ts";

/** In the order in which they are tried. */
const CANDIDATES: readonly Tool[] = [["python3", "-m", "pip"], ["pip3"], ["pip"], ["python", "-m", "pip"]];

/** pip, and the flags that its version understands. */
export interface Pip {
  readonly tool: Tool;
  readonly version: string;
  /** Flags that make a broken connection go on where it broke. */
  readonly resumeFlags: readonly string[];
}

/** @throws EngineInstallError if there is none. */
export async function findPip({
  env,
  signal,
}: Pick<InstallContext, "env"> & Partial<Pick<InstallContext, "signal">>): Promise<Pip> {
  const found = await findTool(CANDIDATES, { env, signal });
  if (found !== undefined) {
    const [, version = "0", major = "0", minor = "0"] = /^pip ((\d+)\.(\d+)\S*)/.exec(found.version) ?? [];
    return { tool: found.tool, version, resumeFlags: resumeFlags(Number(major), Number(minor)) };
  }
  const tried = CANDIDATES.map((tool) => tool.join(" ")).join(", ");
  throw new EngineInstallError(
    "check",
    `pip (not found; tried ${tried}) must be on PATH; use "apt install python3-pip" or its like, or --wheel FILE with a tensorflow-cpu wheel that was fetched elsewhere.`,
  );
}

/** @see https://pip.pypa.io/en/stable/news/#v25-1 */
function resumeFlags(major: number, minor: number): readonly string[] {
  return major > 25 || (major === 25 && minor >= 1) ? ["--resume-retries", "5"] : [];
}
