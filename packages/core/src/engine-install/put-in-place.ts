/**
 * Replaces the installed engine in one step.
 *
 * The engine's path is a link to a folder of its own. A new link is renamed onto it: whoever looks sees the whole old
 * engine or the whole new one, whenever the process dies.
 *
 * @packageDocumentation
 */
import { mkdir, mkdtemp, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { EngineCache } from "./engine-cache.ts";

/** Folders that an installation fills before it is done. */
const STAGING = ".staging-";

/** Folders of engines that were put in place. */
const INSTALLED = "tensorflow-";

/** Two new folders in the cache, on its disk: one to become the engine, one for what is needed only meanwhile. */
export async function makeStaging(
  cache: EngineCache,
): Promise<{ readonly staging: string; readonly scratch: string }> {
  const folder = await mkdtemp(join(cache.root, STAGING));
  const paths = { staging: join(folder, "engine"), scratch: join(folder, "scratch") };
  await Promise.all(Object.values(paths).map((path) => mkdir(path)));
  return paths;
}

/** Makes the staged folder the engine. */
export async function putInPlace(cache: EngineCache, staging: string): Promise<void> {
  const id = basename(join(staging, "..")).slice(STAGING.length);
  const folder = `${INSTALLED}${id}`;
  await rename(staging, join(cache.root, folder));
  const link = join(staging, "..", "link");
  await symlink(folder, link);
  try {
    await rename(link, cache.engine);
  } catch (error) {
    if (!isDirectoryInTheWay(error)) throw error;
    // Someone copied an engine there as a plain folder.
    await rename(cache.engine, join(cache.root, `${INSTALLED}copied-${id}`));
    await rename(link, cache.engine);
  }
}

function isDirectoryInTheWay(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    ["EISDIR", "ENOTEMPTY", "EEXIST"].includes(String(error.code))
  );
}

/** Removes what dead installations left, and engines that were replaced. Only while the lock is held. */
export async function sweep(cache: EngineCache): Promise<void> {
  const current = await readlink(cache.engine).catch(() => undefined);
  for (const name of await readdir(cache.root)) {
    const isLeft = name.startsWith(STAGING) || (name.startsWith(INSTALLED) && name !== current);
    if (isLeft) await rm(join(cache.root, name), { recursive: true, force: true });
  }
}
