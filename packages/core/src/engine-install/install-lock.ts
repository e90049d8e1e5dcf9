/**
 * One installation at a time, across processes.
 *
 * @packageDocumentation
 */
import { mkdir } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { lock } from "proper-lockfile";
import type { EngineCache } from "./engine-cache.ts";

/** How often a taken lock is tried again. */
const RETRY_MS = 200;

/** After this time without a sign of life its holder counts as dead (it renews the lock every half of it). */
const STALE_MS = 10_000;

/** Options of {@link withInstallLock}. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock. */
  readonly onWait?: () => void;
}

/** Runs `body` while no other process runs one on the same cache. */
export async function withInstallLock<R>(
  cache: EngineCache,
  { signal, onWait }: LockOptions,
  body: () => Promise<R>,
): Promise<R> {
  await mkdir(cache.root, { recursive: true });
  const release = await acquire(cache, signal, onWait);
  try {
    return await body();
  } finally {
    await release();
  }
}

async function acquire(
  { root, lock: lockfilePath }: EngineCache,
  signal: AbortSignal | undefined,
  onWait: (() => void) | undefined,
): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await lock(root, { lockfilePath, stale: STALE_MS });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ELOCKED")) throw error;
    }
    if (attempt === 0) onWait?.();
    await setTimeout(RETRY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
