/**
 * Finds the parts of the native engine: the compiled addon, and the JavaScript of tfjs-node that drives it.
 *
 * The addon is the one that `meshwright engine install` made, else the one that an installed tfjs-node-gpu or tfjs-node
 * downloaded when it was installed. Nothing is loaded here.
 *
 * @packageDocumentation
 */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { libraryFolder, readInstalledLibrary } from "./cache-folder.ts";

/** The parts of one native engine. */
export interface NativeParts {
  /** The compiled addon. */
  readonly addon: string;
  /** Folder of the package tfjs-node or tfjs-node-gpu. */
  readonly javaScript: string;
  /** The package that the backend takes itself for. */
  readonly packageName: string;
  /** Whether the addon may be used by several threads as it is; see `preload-attribute-names.ts`. */
  readonly isThreadSafe: boolean;
}

/** What was found, in the order of preference, and where else was looked. */
export interface Located {
  readonly parts: readonly NativeParts[];
  /** Why there is nothing, or no more; one clause each. */
  readonly misses: readonly string[];
}

/** In the order of preference. */
const PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/** Looks in the cache folder and in the installed packages. Reads a few folder listings. */
export function locateNativeParts(environment: NodeJS.ProcessEnv = process.env): Located {
  const packages = PACKAGES.flatMap((name) => {
    const folder = packageFolder(name);
    return folder === undefined ? [] : [{ name, folder }];
  });
  const parts: NativeParts[] = [];
  const misses: string[] = [];
  const cache = libraryFolder(environment);
  const record = readInstalledLibrary(cache);
  if (record === undefined) {
    misses.push(`no library in ${cache}`);
  } else {
    const addon = join(cache, record.addon);
    const javaScript = packages.at(-1)?.folder ?? existing(join(cache, "tfjs-node"));
    if (!existsSync(addon)) misses.push(`${addon} is missing`);
    else if (javaScript === undefined)
      misses.push(`${PACKAGES[1]}, which drives the library in ${cache}, is not installed`);
    else {
      const packageName = PACKAGES[record.gpu ? 0 : 1];
      parts.push({ addon, javaScript, packageName, isThreadSafe: record.threadSafe === true });
    }
  }
  for (const { name, folder } of packages) {
    const addon = packagedAddon(folder);
    if (addon === undefined) misses.push(`${name} is installed without its library`);
    else parts.push({ addon, javaScript: folder, packageName: name, isThreadSafe: false });
  }
  if (packages.length === 0) misses.push(`neither ${PACKAGES.join(" nor ")} is installed`);
  return { parts, misses };
}

/** Looks beside this package first, then in the program's working directory. */
function packageFolder(name: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}

/** The newest addon in `lib/napi-v*` that this Node.js can load; the package's own install script puts it there. */
function packagedAddon(folder: string): string | undefined {
  const lib = join(folder, "lib");
  if (!existsSync(lib)) return undefined;
  const versions = readdirSync(lib)
    .map((entry) => Number(/^napi-v(\d+)$/.exec(entry)?.[1]))
    .filter((version) => version <= Number(process.versions.napi))
    .sort((a, b) => b - a);
  return versions
    .map((version) => join(lib, `napi-v${version}`, "tfjs_binding.node"))
    .find((file) => existsSync(file));
}

function existing(folder: string): string | undefined {
  return existsSync(folder) ? realpathSync(folder) : undefined;
}
