/**
 * Installs the native engine: stages it from the first source that can be used, checks that it loads, and puts it in
 * place in one step.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, realpath, rm, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RECORD_FILE } from "../engine/tensorflow/cache-folder.ts";
import { FUSED_KERNELS_FILE } from "../engine/tensorflow-kernels/native-sources.ts";
import { locateNativeParts } from "../engine/tensorflow/locate.ts";
import { engineCache, type EngineCache, type Environment } from "./engine-cache.ts";
import {
  damagedFiles,
  readEngineRecord,
  sha256OfFile,
  type EngineRecord,
  type EngineSource,
} from "./engine-record.ts";
import { fusedSourcesDigest } from "./fused-sources.ts";
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext, InstallProgress, StagedEngine } from "./install-context.ts";
import { withInstallLock } from "./install-lock.ts";
import { checkLoad } from "./load-check.ts";
import { NODE_API_VERSION } from "./node-headers.ts";
import { stageFromPackage } from "./package-source.ts";
import { makeStaging, putInPlace, sweep } from "./put-in-place.ts";
import { refreshFusedKernels } from "./refresh-fused-kernels.ts";
import { stageFromWheel } from "./wheel-source.ts";

/** What is asked for. */
export interface InstallRequest {
  /** Take the build for NVIDIA GPUs. */
  readonly gpu: boolean;
  /** Only this source; if left out, `package` and then `wheel`. */
  readonly source?: EngineSource | undefined;
  /** A wheel at hand, instead of one that pip fetches; implies the source `wheel`. */
  readonly wheel?: string | undefined;
  /** Install anew what is there already. */
  readonly force: boolean;
}

/** Options of {@link installEngine}. */
export interface InstallOptions extends InstallRequest {
  readonly env?: Environment;
  readonly progress: InstallProgress;
  readonly signal?: AbortSignal | undefined;
  /** Where tfjs-node is looked for; beside this package and in the working directory if left out. */
  readonly packagesFrom?: readonly string[];
}

/**
 * What an installation did: it installed an engine, found it whole in the cache folder, or found a tfjs-node in the
 * program's packages whose own binary loads.
 */
export type InstallOutcome =
  | { readonly kind: "installed" | "present"; readonly folder: string; readonly record: EngineRecord }
  | { readonly kind: "bundled"; readonly addon: string; readonly tensorflowVersion: string };

/** The sources to try, in order. */
export function sourcesOf({ source, wheel }: InstallRequest): readonly EngineSource[] {
  if (wheel !== undefined) return ["wheel"];
  return source === undefined ? ["package", "wheel"] : [source];
}

/** Where packages are looked for if nothing else is said. */
export function defaultPackagesFrom(): readonly string[] {
  return [import.meta.url, join(process.cwd(), "package.json")];
}

/**
 * Installs the engine into the user's cache folder, or finds it there. Several processes at once do it once.
 *
 * A failure at any point leaves what was installed before untouched, and what was fetched for the next try.
 *
 * @throws EngineInstallError if no source can be used, with the reason of each.
 */
export async function installEngine(options: InstallOptions): Promise<InstallOutcome> {
  const { env = process.env, progress, signal } = options;
  const cache = engineCache(env);
  const onWait = (): void => {
    progress.note(`waiting for another installation into ${cache.root}`);
  };
  return withInstallLock(cache, { signal, onWait }, async () => {
    await sweep(cache);
    const present = options.force ? undefined : await presentEngine(cache, options);
    if (present !== undefined) {
      const record = await refreshFusedKernels(present, cache, { env, progress, signal });
      return { kind: "present", folder: cache.engine, record };
    }
    const bundled = options.force ? undefined : await bundledEngine(cache, options);
    if (bundled !== undefined) return bundled;
    await checkSpace(cache, options.gpu);
    const { staging, scratch } = await makeStaging(cache);
    try {
      const packagesFrom = options.packagesFrom ?? defaultPackagesFrom();
      const context = { env, cache, staging, scratch, progress, signal, packagesFrom };
      const record = await stageFirst(options, context);
      progress.step("put in place", cache.engine);
      await writeFile(join(staging, RECORD_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
      await putInPlace(cache, staging);
      await sweep(cache);
      await rm(cache.downloads, { recursive: true, force: true });
      return { kind: "installed", folder: cache.engine, record };
    } finally {
      await rm(dirname(staging), { recursive: true, force: true });
    }
  });
}

/** Whether an installed engine is what is asked for, on this machine. */
export function isWanted({ gpu, source, platform, arch }: EngineRecord, request: InstallRequest): boolean {
  const isOurs = platform === process.platform && arch === process.arch;
  return isOurs && gpu === request.gpu && sourcesOf(request).includes(source);
}

/** What is installed, if it is what is asked for and whole. */
async function presentEngine(
  { engine }: EngineCache,
  { progress, ...request }: InstallOptions,
): Promise<EngineRecord | undefined> {
  const record = readEngineRecord(engine);
  if (record === undefined) return undefined;
  if (!isWanted(record, request)) return undefined;
  const damaged = await damagedFiles(engine, record);
  if (damaged.length === 0) return record;
  progress.note(`installing anew, because these files changed: ${damaged.join(", ")}`);
  return undefined;
}

/** A binary that tfjs-node's own install script downloaded into the program's packages. */
async function bundledEngine(
  { engine }: EngineCache,
  { env = process.env, signal, ...request }: InstallOptions,
): Promise<InstallOutcome | undefined> {
  if (sourcesOf(request)[0] !== "package") return undefined;
  for (const { addon, packageName } of locateNativeParts(env).parts) {
    if (addon.startsWith(engine) || packageName.endsWith("-gpu") !== request.gpu) continue;
    const loaded = await checkLoad(addon, { env, signal });
    if (loaded.loads) return { kind: "bundled", addon, tensorflowVersion: loaded.tensorflowVersion };
  }
  return undefined;
}

/** Archive, unpacked files and a second copy of the archive in pip's own cache, rounded up. */
const NEEDED_BYTES = { cpu: 1.6e9, gpu: 3.5e9 } as const;

async function checkSpace({ root }: EngineCache, gpu: boolean): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  const needed = gpu ? NEEDED_BYTES.gpu : NEEDED_BYTES.cpu;
  if (bavail * bsize >= needed) return;
  throw new EngineInstallError(
    "check",
    `free space at ${root} (${inGigabytes(bavail * bsize)}) must be at least ${inGigabytes(needed)}; use MESHWRIGHT_CACHE to name a folder on another disk.`,
  );
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Tries the sources in order; an interruption ends them all. */
async function stageFirst(options: InstallOptions, context: InstallContext): Promise<EngineRecord> {
  const failures: EngineInstallError[] = [];
  const names = sourcesOf(options);
  for (const source of names) {
    try {
      const stage = source === "package" ? stageFromPackage : stageFromWheel;
      return await complete(await stage(options, context), source, options.gpu, context);
    } catch (error) {
      if (!(error instanceof EngineInstallError)) throw error;
      failures.push(error);
      await emptyFolder(context.staging);
      if (failures.length < names.length)
        context.progress.note(`source "${source}" cannot be used: ${error.detail}`);
    }
  }
  const [only] = failures;
  if (only !== undefined && failures.length === 1) throw only;
  throw new EngineInstallError(
    failures.at(-1)!.step,
    failures.map((failure, i) => `${names[i]!}: ${failure.detail}`).join(" "),
    { cause: failures },
  );
}

/** Loads what was staged, and writes down what it is. */
async function complete(
  staged: StagedEngine,
  source: EngineSource,
  gpu: boolean,
  { staging, env, signal, progress }: InstallContext,
): Promise<EngineRecord> {
  progress.step("load", staged.addon);
  const addon = await realpath(join(staging, staged.addon));
  const loaded = await checkLoad(addon, { env, signal });
  if (!loaded.loads) {
    throw new EngineInstallError(
      "load",
      `addon (${loaded.reason}) must load in Node.js ${process.version}; use a Linux with glibc 2.27 or later, or the engine "wasm".`,
    );
  }
  return {
    source,
    tensorflowVersion: loaded.tensorflowVersion,
    tfjsNodeVersion: staged.tfjsNodeVersion,
    addon: staged.addon,
    gpu,
    threadSafe: staged.threadSafe,
    sha256: { ...staged.sha256, ...(await digestsOf(staging, staged.sha256)) },
    ...(existsSync(join(staging, FUSED_KERNELS_FILE)) ? { fusedSources: fusedSourcesDigest() } : {}),
    nodeApi: NODE_API_VERSION,
    platform: process.platform,
    arch: process.arch,
    installedAt: new Date().toISOString(),
  };
}

/** Digests of the other files at the top of `folder`. */
async function digestsOf(
  folder: string,
  known: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const digests: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile() && !(entry.name in known))
      digests[entry.name] = await sha256OfFile(join(folder, entry.name));
  }
  return digests;
}

async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
}
