/**
 * The engine out of TensorFlow's Python wheel: its shared libraries, and tfjs-node's addon built against its C headers.
 *
 * @packageDocumentation
 */
import { rm, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { writeAddonSources } from "./addon-sources.ts";
import { ADDON_FILE, buildAddon, requireCompiler } from "./build-addon.ts";
import { buildFusedKernels } from "./build-fused-kernels.ts";
import { fetchWheel, type WheelRequest } from "./fetch-wheel.ts";
import { findPip } from "./find-pip.ts";
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext, StagedEngine } from "./install-context.ts";
import { javaScriptPackage } from "./javascript-package.ts";
import type { Tool } from "./run-tool.ts";
import { openWheel, WheelError, type Wheel } from "./wheel.ts";

/** The release whose C API tfjs-node 4.22.0 was compiled and tested with. */
export const TENSORFLOW_VERSION = "2.21.0";

/** What the wheel source is asked for. */
export interface WheelSourceOptions {
  readonly gpu: boolean;
  /** A wheel at hand; none is fetched then. */
  readonly wheel?: string | undefined;
}

/** Shared libraries in the wheel, and the names under which the linker looks for them. */
export const WHEEL_LIBRARIES = [
  { file: "libtensorflow_cc.so.2", linkName: "libtensorflow.so" },
  { file: "libtensorflow_framework.so.2", linkName: "libtensorflow_framework.so" },
] as const;

/** Folder of the headers in the wheel. */
const INCLUDE = "tensorflow/include";

/** The C API and what it includes: ctstring, and XLA's status type. */
const HEADERS =
  /^tensorflow\/include\/(tensorflow\/c\/|tensorflow\/core\/platform\/|tsl\/|xla\/tsl\/|xla\/third_party\/tsl\/).*\.h$/;

/**
 * The wheel that `pip download` is asked for. On x86-64 the one for CPUs has no CUDA code, and half the size; for ARM there is
 * one wheel, without CUDA, under the other name.
 */
export function wheelRequest({ gpu }: { readonly gpu: boolean }, arch: string = process.arch): WheelRequest {
  return { project: gpu || arch === "arm64" ? "tensorflow" : "tensorflow-cpu", version: TENSORFLOW_VERSION };
}

/** Fills `context.staging`. Asks for the tools before anything large is fetched. */
export async function stageFromWheel(
  { gpu, wheel: given }: WheelSourceOptions,
  context: InstallContext,
): Promise<StagedEngine> {
  checkPlatform(gpu, process.platform, process.arch);
  const compiler = await requireCompiler(context);
  const path = given === undefined ? await fetched(gpu, context) : resolve(given);
  try {
    return await stage(path, { gpu, compiler }, context);
  } catch (error) {
    if (!(error instanceof WheelError)) throw error;
    // Ours would fail again; the user's stays.
    if (given === undefined) await rm(path, { force: true });
    throw new EngineInstallError(
      "unpack",
      `wheel (${error.message}) must be whole; use ${given === undefined ? "the same command again, which fetches it anew" : "a fresh copy of the file"}.`,
      { cause: error },
    );
  }
}

/** @throws EngineInstallError if there is no such wheel for the platform. */
export function checkPlatform(gpu: boolean, platform: string, arch: string): void {
  if (platform === "linux" && (arch === "x64" || (arch === "arm64" && !gpu))) return;
  const expected = gpu ? "linux x64" : "linux x64 or linux arm64";
  throw new EngineInstallError(
    "check",
    `platform (${platform} ${arch}) must be ${expected} for TensorFlow's wheel${gpu ? " with CUDA" : ""}; use the engine "wasm".`,
  );
}

async function fetched(gpu: boolean, context: InstallContext): Promise<string> {
  const request = wheelRequest({ gpu });
  const pip = await findPip(context);
  context.progress.step("fetch", `pip ${pip.version} download ${request.project}==${request.version}`);
  return fetchWheel(request, pip, context);
}

interface Build {
  readonly gpu: boolean;
  readonly compiler: Tool;
}

async function stage(path: string, { gpu, compiler }: Build, context: InstallContext): Promise<StagedEngine> {
  const { staging, scratch, progress } = context;
  const wheel = await openWheel(path);
  try {
    checkDistribution(wheel, gpu);
    progress.step("unpack", `${wheel.distribution} ${wheel.version}`);
    const sha256 = await unpack(wheel, context);
    const { folder, version: tfjsNodeVersion } = await javaScriptPackage(context);
    progress.step("build", `tfjs-node ${tfjsNodeVersion} with ${compiler.join(" ")}`);
    const sources = join(scratch, "binding");
    await writeAddonSources(folder, sources);
    const include = join(scratch, INCLUDE);
    const build = { sources, includes: [include, join(include, "xla")], libraries: staging };
    await buildAddon(build, compiler, context);
    // They compute on the CPU; on a GPU the composed kernels are faster than the way there and back.
    if (!gpu) await buildFusedKernels(staging, compiler, context);
    return { tensorflowVersion: wheel.version, tfjsNodeVersion, threadSafe: true, addon: ADDON_FILE, sha256 };
  } finally {
    wheel.close();
  }
}

function checkDistribution({ distribution, path }: Wheel, gpu: boolean): void {
  if (distribution === "tensorflow" || (distribution === "tensorflow_cpu" && !gpu)) return;
  const expected = gpu
    ? "tensorflow-VERSION-....whl for --gpu"
    : "tensorflow_cpu-VERSION-....whl or tensorflow-VERSION-....whl";
  throw new EngineInstallError(
    "check",
    `wheel (${path}) must be ${expected}; use the file as the index names it.`,
  );
}

/** Libraries into the engine's folder, headers beside it. Returns the digests of the libraries. */
async function unpack(wheel: Wheel, context: InstallContext): Promise<Record<string, string>> {
  const { staging, scratch, progress, signal } = context;
  const headers = wheel.files.filter((name) => HEADERS.test(name));
  const libraries = WHEEL_LIBRARIES.map(({ file }) => `tensorflow/${file}`);
  const total = [...headers, ...libraries].reduce((sum, name) => sum + wheel.bytesOf(name), 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    progress.bytes((done += bytes), total);
  };
  for (const name of headers) await wheel.extract(name, join(scratch, name), { onBytes, signal });
  const sha256: Record<string, string> = {};
  for (const { file, linkName } of WHEEL_LIBRARIES) {
    sha256[file] = await wheel.extract(`tensorflow/${file}`, join(staging, file), { onBytes, signal });
    await symlink(file, join(staging, linkName));
  }
  return sha256;
}
