/**
 * Where the native engine lies on disk.
 *
 * ```text
 * meshwright/              MESHWRIGHT_CACHE, else meshwright/ in XDG_CACHE_HOME, else in ~/.cache
 *   tensorflow -> ...      the engine: a link that is replaced in one step (below: what it holds)
 *     engine.json          what it is (EngineRecord)
 *     tfjs_binding.node    tfjs-node's N-API addon
 *     libtensorflow*.so.2  TensorFlow's shared libraries, found through the addon's own $ORIGIN run path
 *     tfjs-node/           its JavaScript, only where it is not installed otherwise
 *   tensorflow-ID/         where the link points
 *   downloads/             archives that a broken installation leaves for the next one
 *   engine.lock/           held while the above changes
 * ```
 *
 * @packageDocumentation
 */
import { dirname, join, resolve } from "node:path";
import { libraryFolder } from "../engine/tensorflow/cache-folder.ts";

/** Variables of the environment, as `process.env` has them. */
export type Environment = NodeJS.ProcessEnv;

/** Paths of the cache, all absolute. */
export interface EngineCache {
  readonly root: string;
  /** The installed engine, if there is one. */
  readonly engine: string;
  readonly downloads: string;
  readonly lock: string;
}

/** The cache of this user. A path may not exist yet. */
export function engineCache(env: Environment = process.env): EngineCache {
  const engine = resolve(libraryFolder(env));
  const root = dirname(engine);
  return { root, engine, downloads: join(root, "downloads"), lock: join(root, "engine.lock") };
}
