/**
 * The engine that tfjs-node's own install script would download: its prebuilt addon and its libtensorflow 2.9.1, from the
 * hosts and with the environment variables of that script, but into the cache folder.
 *
 * @see https://github.com/tensorflow/tfjs/blob/tfjs-v4.22.0/tfjs-node/scripts/install.js
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { ADDON_FILE } from "./build-addon.ts";
import { download, DownloadError } from "./download.ts";
import type { Environment } from "./engine-cache.ts";
import { sha256OfFile } from "./engine-record.ts";
import { EngineInstallError } from "./install-error.ts";
import type { InstallContext, StagedEngine } from "./install-context.ts";
import { javaScriptPackage, TFJS_NODE_VERSION } from "./javascript-package.ts";
import { NODE_API_VERSION } from "./node-headers.ts";
import { lastLine, runTool } from "./run-tool.ts";

const LIBTENSORFLOW_VERSION = "2.9.1";

/** The addon's run path is `$ORIGIN/../../deps/lib`. */
const ADDON_FOLDER = `lib/napi-v${NODE_API_VERSION}`;
const LIBRARY_FOLDER = "deps";

/** The two archives of one build. */
export interface PackageArchives {
  readonly library: string;
  readonly addon: string;
}

/** Addresses of the archives for Linux on x86-64, the one platform for which both exist on Linux. */
export function packageArchives(gpu: boolean, env: Environment): PackageArchives {
  const storage =
    env.TFJS_NODE_CDN_STORAGE ??
    env.npm_config_TFJS_NODE_CDN_STORAGE ??
    env.CDN_STORAGE ??
    "https://storage.googleapis.com/";
  const base =
    env.TFJS_NODE_BASE_URI ??
    env.npm_config_TFJS_NODE_BASE_URI ??
    `${storage}tensorflow/libtensorflow/libtensorflow-`;
  const addons = env.npm_config_tfjs_binding_binary_host ?? `${storage}tf-builds/pre-built-binary`;
  const kind = gpu ? "gpu" : "cpu";
  return {
    library: `${base}${kind}-linux-x86_64-${LIBTENSORFLOW_VERSION}.tar.gz`,
    addon: `${addons}/napi-v${NODE_API_VERSION}/${TFJS_NODE_VERSION}/${kind.toUpperCase()}-linux-${TFJS_NODE_VERSION}.tar.gz`,
  };
}

/** Fills `context.staging`. Needs neither Python nor a compiler. */
export async function stageFromPackage(
  { gpu }: { readonly gpu: boolean },
  context: InstallContext,
): Promise<StagedEngine> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new EngineInstallError(
      "check",
      `platform (${process.platform} ${process.arch}) must be linux x64 for tfjs-node's prebuilt binary; use "npm install @tensorflow/tfjs-node", whose own script knows more platforms.`,
    );
  }
  const { staging } = context;
  const archives = packageArchives(gpu, context.env);
  // The small one first: it tells whether the host can be reached.
  await unpack(archives.addon, join(staging, ADDON_FOLDER), context, ["--strip-components=1"]);
  await unpack(archives.library, join(staging, LIBRARY_FOLDER), context);
  const addon = `${ADDON_FOLDER}/${ADDON_FILE}`;
  const libraries = ["libtensorflow", "libtensorflow_framework"].map(
    (name) => `${LIBRARY_FOLDER}/lib/${name}.so.${LIBTENSORFLOW_VERSION}`,
  );
  const sha256: Record<string, string> = {};
  for (const file of [addon, ...libraries]) {
    if (!existsSync(join(staging, file))) throw incomplete(file, archives);
    sha256[file] = await sha256OfFile(join(staging, file));
  }
  await symlink(addon, join(staging, ADDON_FILE));
  const { version: tfjsNodeVersion } = await javaScriptPackage(context);
  return {
    tensorflowVersion: LIBTENSORFLOW_VERSION,
    tfjsNodeVersion,
    threadSafe: false,
    addon: ADDON_FILE,
    sha256,
  };
}

async function unpack(
  url: string,
  folder: string,
  { cache, env, progress, signal }: InstallContext,
  tarFlags: readonly string[] = [],
): Promise<void> {
  progress.step("fetch", url);
  await mkdir(cache.downloads, { recursive: true });
  await mkdir(folder, { recursive: true });
  const archive = join(cache.downloads, basename(new URL(url).pathname));
  try {
    if (!existsSync(archive)) {
      const onBytes = (done: number, total: number): void => {
        progress.bytes(done, total);
      };
      await download(url, archive, { signal, onBytes });
    }
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new EngineInstallError(
      "fetch",
      `host of tfjs-node's binaries (${error.message}) must answer; use TFJS_NODE_CDN_STORAGE to name a mirror, or --source wheel.`,
      { cause: error },
    );
  }
  const { code, output } = await runTool(["tar"], ["-xzf", archive, "-C", folder, ...tarFlags], {
    env,
    signal,
  });
  if (code === 0) return;
  await rm(archive, { force: true });
  throw new EngineInstallError(
    "unpack",
    `archive ${basename(archive)} (tar: ${code === undefined ? "not found" : lastLine(output)}) must be whole; use the same command again, which fetches it anew.`,
  );
}

function incomplete(file: string, { library, addon }: PackageArchives): EngineInstallError {
  return new EngineInstallError(
    "unpack",
    `archives (${addon}, ${library}) must hold ${file}; use --source wheel, or a mirror that is whole.`,
  );
}
