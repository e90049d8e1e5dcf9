/**
 * What native engine there is, and what it runs on.
 *
 * @packageDocumentation
 */
import { locateNativeParts } from "../engine/tensorflow/locate.ts";
import { threadVariables } from "../engine/tensorflow/thread-variables.ts";
import { startEngine } from "../engine/start.ts";
import { ContractError } from "../errors.ts";
import { engineCache, type Environment } from "./engine-cache.ts";
import { damagedFiles, readEngineRecord, type EngineRecord } from "./engine-record.ts";
import { describeCpu, listGpus, type CpuDescription } from "./hardware.ts";
import { checkLoad, type LoadCheck } from "./load-check.ts";

/** An addon that was found, and whether it loads. */
export interface AddonStatus {
  readonly path: string;
  readonly check: LoadCheck;
}

/** The state of the native engine on this machine. */
export interface EngineStatus {
  readonly folder: string;
  /** What is installed there; left out if nothing is. */
  readonly record?: EngineRecord;
  /** Its files that are missing or changed. */
  readonly damaged: readonly string[];
  /** In the order in which they are tried; those of tfjs-node packages too. */
  readonly addons: readonly AddonStatus[];
  readonly cpu: CpuDescription;
  /** Threads that compute for one rank, if a program does not say. */
  readonly threadsPerRank: string;
  readonly gpus: readonly string[];
  /** `CUDA_VISIBLE_DEVICES`; left out if it is not set. */
  readonly visibleDevices?: string;
  /** The engine that `auto` takes, and those before it that cannot be had. */
  readonly auto: {
    readonly engine: string;
    readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  };
}

/** Reads every installed byte, loads every addon in a process of its own, and starts the engine of this thread. */
export async function engineStatus(env: Environment = process.env): Promise<EngineStatus> {
  const folder = engineCache(env).engine;
  const record = readEngineRecord(folder);
  const addons: AddonStatus[] = [];
  for (const { addon } of locateNativeParts(env).parts) {
    addons.push({ path: addon, check: await checkLoad(addon, { env }) });
  }
  const visibleDevices = env.CUDA_VISIBLE_DEVICES;
  const threads = threadVariables({ threadsPerRank: undefined, ranks: 1 }, env).TF_NUM_INTRAOP_THREADS;
  const auto = await startAuto();
  return {
    folder,
    ...(record === undefined ? {} : { record }),
    damaged: record === undefined ? [] : await damagedFiles(folder, record),
    addons,
    cpu: describeCpu(),
    threadsPerRank: threads ?? env.TF_NUM_INTRAOP_THREADS ?? "1",
    gpus: listGpus(),
    ...(visibleDevices === undefined ? {} : { visibleDevices }),
    auto,
  };
}

/** An environment that names an engine which cannot be had is a state too. */
async function startAuto(): Promise<EngineStatus["auto"]> {
  try {
    const { name, skipped } = await startEngine();
    return { engine: name, skipped };
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return { engine: "none", skipped: [{ name: "any", reason: error.message }] };
  }
}
