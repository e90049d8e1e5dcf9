/**
 * Builds the fused operations anew for an engine that an older version of this package installed. The rest of it stays.
 *
 * @packageDocumentation
 */
import { readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RECORD_FILE } from "../engine/tensorflow/cache-folder.ts";
import { findCompiler } from "./build-addon.ts";
import { buildFusedKernels } from "./build-fused-kernels.ts";
import type { EngineCache } from "./engine-cache.ts";
import { sha256OfFile, type EngineRecord } from "./engine-record.ts";
import { fusedSourcesDigest } from "./fused-sources.ts";
import type { InstallContext } from "./install-context.ts";
import { makeStaging } from "./put-in-place.ts";
import { WHEEL_LIBRARIES } from "./wheel-source.ts";

/**
 * The record of the engine afterwards; the same where nothing had to be done or could be. Only while the lock is held.
 */
export async function refreshFusedKernels(
  record: EngineRecord,
  cache: EngineCache,
  surroundings: Pick<InstallContext, "env" | "progress" | "signal">,
): Promise<EngineRecord> {
  const fusedSources = fusedSourcesDigest();
  if (record.source !== "wheel" || record.gpu || record.fusedSources === fusedSources) return record;
  const compiler = await findCompiler(surroundings);
  if (compiler === undefined) {
    surroundings.progress.note("the fused operations stay as they are: there is no C++ compiler on PATH");
    return record;
  }
  const { staging, scratch } = await makeStaging(cache);
  try {
    for (const { file, linkName } of WHEEL_LIBRARIES) {
      for (const name of [file, linkName]) await symlink(join(cache.engine, file), join(staging, name));
    }
    surroundings.progress.step("build", `fused operations with ${compiler.join(" ")}`);
    const context = { ...surroundings, cache, staging, scratch, packagesFrom: [] };
    if (!(await buildFusedKernels(staging, compiler, context))) return record;
    const built = (await readdir(staging)).filter((name) => name.endsWith(".node"));
    const sha256 = { ...record.sha256 };
    for (const name of built) sha256[name] = await sha256OfFile(join(staging, name));
    const refreshed = { ...record, sha256, fusedSources };
    const stagedRecord = join(staging, RECORD_FILE);
    await writeFile(stagedRecord, `${JSON.stringify(refreshed, undefined, 2)}\n`);
    // Killed in between, a library counts as damaged, and the next installation mends that.
    for (const name of built) await rename(join(staging, name), join(cache.engine, name));
    await rename(stagedRecord, join(cache.engine, RECORD_FILE));
    return refreshed;
  } finally {
    await rm(dirname(staging), { recursive: true, force: true });
  }
}
