/**
 * Prepares a process for the native library: what must be set or done in its main thread before any thread loads it.
 *
 * The library reads its settings with C's `getenv` when it is first loaded. Only the main thread's `process.env` reaches
 * that; a worker's is a copy.
 *
 * @packageDocumentation
 */
import { dirname } from "node:path";
import { isMainThread } from "node:worker_threads";
import { ContractError } from "../../errors.ts";
import { canLoadQuietly, loadQuietly } from "../tensorflow-kernels/quiet-load.ts";
import { visibleDevice, type RankOnHost } from "./visible-device.ts";
import { loadBinding } from "./load-backend.ts";
import { locateNativeParts, type NativeParts } from "./locate.ts";
import { preloadAttributeNames } from "./preload-attribute-names.ts";
import { threadVariables, type ThreadDemand } from "./thread-variables.ts";

/** Who will use the library in this process. */
export interface ProcessPlan extends ThreadDemand {
  /** Set where the process is one rank of several on this machine; its GPU is chosen by it. */
  readonly onHost?: RankOnHost | undefined;
  /** Whether threads other than this one will load the library. */
  readonly isShared: boolean;
}

/** Where the settings of a prepared process are kept, once per process. */
const SLOT = Symbol.for("meshwright.tensorflow.process");

/** Without effect outside the main thread, or where there is no native library. */
export function prepareTensorflowProcess(plan: ProcessPlan): void {
  if (!isMainThread) return;
  const [parts] = locateNativeParts().parts;
  if (parts === undefined) return;
  const prepared = Reflect.get(globalThis, SLOT) as Set<string> | undefined;
  const folder = dirname(parts.addon);
  const isQuiet = canLoadQuietly(folder);
  if (prepared === undefined) setVariables(plan, isQuiet);
  else checkUnchanged(plan);
  if (prepared === undefined && isQuiet) loadQuietly(folder);
  const seen = prepared ?? new Set<string>();
  Reflect.set(globalThis, SLOT, seen);
  if (plan.isShared && !seen.has(parts.addon)) {
    seen.add(parts.addon);
    pin(parts);
  }
}

function setVariables({ onHost, ...demand }: ProcessPlan, isQuiet: boolean): void {
  const { env } = process;
  const variables = {
    // Reports of how it chose its instructions and devices are for its developers; warnings and errors stay.
    TF_CPP_MIN_LOG_LEVEL: env.TF_CPP_MIN_LOG_LEVEL ?? "1",
    // Its oneDNN forms of operations, a fifth faster on one thread, announce themselves on stderr whatever the level.
    ...(isQuiet ? {} : { TF_ENABLE_ONEDNN_OPTS: env.TF_ENABLE_ONEDNN_OPTS ?? "0" }),
    ...threadVariables(demand, env),
  };
  Object.assign(env, variables);
  const device = onHost === undefined ? undefined : visibleDevice(onHost, env.CUDA_VISIBLE_DEVICES);
  if (device !== undefined) env.CUDA_VISIBLE_DEVICES = device;
}

function checkUnchanged({ threadsPerRank, ranks }: ProcessPlan): void {
  if (threadsPerRank === undefined) return;
  const now = process.env.TF_NUM_INTRAOP_THREADS;
  const wanted = threadVariables({ threadsPerRank, ranks }, process.env).TF_NUM_INTRAOP_THREADS;
  if (now === wanted) return;
  throw new ContractError(
    `threadsPerRank (${threadsPerRank}) must give the pool of threads that the native library of this process already has (${now ?? "unset"}, wanted ${wanted ?? "unset"}), one pool per process; use another process, or leave threadsPerRank out.`,
  );
}

/**
 * Loads the addon in this thread too. Node.js unloads an addon with the last thread that uses it, and TensorFlow does not
 * survive that: a process whose worker threads alone had loaded it ends with a segmentation fault.
 */
function pin({ addon, isThreadSafe }: NativeParts): void {
  try {
    const binding = loadBinding(addon);
    if (!isThreadSafe) preloadAttributeNames(binding);
  } catch {
    // An addon that does not load is reported by the rank that wants it.
  }
}
