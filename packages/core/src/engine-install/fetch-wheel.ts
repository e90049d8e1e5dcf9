/**
 * Fetches TensorFlow's wheel with pip, which knows the user's index, proxy and certificates, and compares the file with
 * the digest that the index states.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Pip } from "./find-pip.ts";
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext } from "./install-context.ts";
import { lastLine, runTool, type ToolResult } from "./run-tool.ts";
import { openWheel } from "./wheel.ts";

/** A released wheel. */
export interface WheelRequest {
  /** `tensorflow-cpu` or `tensorflow`. */
  readonly project: string;
  readonly version: string;
}

/** A Python for which TensorFlow has wheels, where the machine's own is too old or too new; it is never run. */
const SUPPORTED_PYTHON = "3.12";

/** How often the size of the growing file is read. */
const POLL_MS = 100;

/**
 * Path of the wheel in the cache's `downloads`. One that an earlier installation left is taken if it opens.
 *
 * @throws EngineInstallError if pip cannot fetch it.
 */
export async function fetchWheel(request: WheelRequest, pip: Pip, context: InstallContext): Promise<string> {
  const { downloads } = context.cache;
  await mkdir(downloads, { recursive: true });
  const kept = await keptWheel(request, downloads);
  if (kept !== undefined) {
    context.progress.note(`taking ${kept}, which an earlier installation fetched`);
    return kept;
  }
  const folder = join(context.scratch, "wheel");
  await mkdir(folder, { recursive: true });
  const result = await download(request, pip, folder, context);
  const file = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (result.code !== 0 || file === undefined) throw pipFailed(request, pip, result);
  const path = join(downloads, file);
  await rename(join(folder, file), path);
  return path;
}

async function keptWheel({ project, version }: WheelRequest, downloads: string): Promise<string | undefined> {
  const prefix = `${project.replaceAll("-", "_")}-${version}-`;
  for (const file of await readdir(downloads)) {
    if (!file.startsWith(prefix) || !file.endsWith(".whl")) continue;
    const path = join(downloads, file);
    try {
      (await openWheel(path)).close();
      return path;
    } catch {
      await rm(path);
    }
  }
  return undefined;
}

/** For this machine's Python; if TensorFlow has no wheel for that, for another one: only the libraries are used. */
async function download(
  { project, version }: WheelRequest,
  pip: Pip,
  folder: string,
  context: InstallContext,
): Promise<ToolResult> {
  const args = [
    ...["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"],
    ...["--progress-bar", "off", "--dest", folder, ...pip.resumeFlags],
  ];
  const requirement = `${project}==${version}`;
  const first = await runPip(pip, [...args, requirement], context);
  if (first.code === 0 || !first.output.includes("No matching distribution")) return first;
  const other = await runPip(pip, [...args, ...otherPython(), requirement], context);
  return other.code === 0 ? other : first;
}

function otherPython(): readonly string[] {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const platforms = ["manylinux_2_27", "manylinux_2_17", "manylinux2014"];
  return [
    ...["--implementation", "cp", "--python-version", SUPPORTED_PYTHON],
    ...platforms.flatMap((platform) => ["--platform", `${platform}_${machine}`]),
  ];
}

/** pip shows no bytes where stdout is no terminal, but says the size, and writes into TMPDIR. */
async function runPip(pip: Pip, args: readonly string[], context: InstallContext): Promise<ToolResult> {
  const { env, scratch, signal, progress } = context;
  const temporary = join(scratch, "pip");
  await mkdir(temporary, { recursive: true });
  let total = 0;
  let said = "";
  let reading = false;
  const timer = setInterval(() => {
    if (total === 0 || reading) return;
    reading = true;
    void largestFile(temporary).then((done) => {
      if (done > 0) progress.bytes(Math.min(done, total), total);
      reading = false;
    });
  }, POLL_MS);
  try {
    return await runTool(pip.tool, args, {
      // The user's pip settings stay; its temporary files are as large as the wheel, and /tmp may be small.
      env: { ...env, TMPDIR: temporary },
      signal,
      onOutput: (text) => {
        said += text;
        total = statedBytes(said) ?? total;
      },
    });
  } finally {
    clearInterval(timer);
  }
}

/** Bytes in `Downloading tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl (273.8 MB)`. */
function statedBytes(output: string): number | undefined {
  const [, number, unit] = /\.whl \(([\d.]+) ([kMG]B)\)/.exec(output) ?? [];
  const scale = { kB: 1e3, MB: 1e6, GB: 1e9 }[unit ?? ""];
  return number === undefined || scale === undefined ? undefined : Number(number) * scale;
}

async function largestFile(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map(async (name) => {
    const found = await stat(join(folder, name)).catch(() => undefined);
    return found?.isFile() === true ? found.size : 0;
  });
  return Math.max(0, ...(await Promise.all(sizes)));
}

function pipFailed({ project, version }: WheelRequest, pip: Pip, result: ToolResult): EngineInstallError {
  const ended = result.code === undefined ? "ended by a signal" : `exit code ${result.code}`;
  return new EngineInstallError(
    "fetch",
    `"${pip.tool.join(" ")} download ${project}==${version}" (${ended}: ${lastLine(result.output)}) must find the wheel in pip's package index; use a network or an index (PIP_INDEX_URL) that has it, or --wheel FILE with one that was fetched elsewhere.`,
  );
}
