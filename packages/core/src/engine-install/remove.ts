/**
 * Removes the native engine.
 *
 * @packageDocumentation
 */
import { readdir, readlink, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { engineCache, type Environment } from "./engine-cache.ts";
import { withInstallLock } from "./install-lock.ts";
import { sweep } from "./put-in-place.ts";

/** Options of {@link removeEngine}. */
export interface RemoveOptions {
  readonly env?: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: () => void;
}

/**
 * Removes the engine and what interrupted installations left. Processes that have it loaded go on.
 *
 * @returns The engine's path, and whether there was one.
 */
export async function removeEngine({ env = process.env, ...options }: RemoveOptions = {}): Promise<{
  readonly folder: string;
  readonly existed: boolean;
}> {
  const cache = engineCache(env);
  const { engine, root, downloads } = cache;
  if (!existsSync(root)) return { folder: engine, existed: false };
  return withInstallLock(cache, options, async () => {
    const existed = existsSync(engine);
    // The link first: no one may find half an engine behind it.
    const target = await readlink(engine).catch(() => undefined);
    await rm(engine, { recursive: true, force: true });
    if (target !== undefined) await rm(join(root, target), { recursive: true, force: true });
    await sweep(cache);
    await rm(downloads, { recursive: true, force: true });
    const logs = (await readdir(root)).filter((name) => name.endsWith(".log"));
    for (const name of logs) await rm(join(root, name));
    return { folder: engine, existed };
  });
}
