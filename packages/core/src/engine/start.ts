/**
 * Chooses and starts the engine of this thread.
 *
 * @packageDocumentation
 */
import { engine as tfjsEngine } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { registerKernelGradients, registerKernels } from "../kernels/register.ts";
import { startCpuEngine } from "./cpu-engine.ts";
import type { Engine, EngineName, SkippedEngine } from "./engine.ts";
import { EngineUnavailableError } from "./engine-unavailable.ts";
import { startTensorflowEngine, type TensorflowOptions } from "./tensorflow-engine.ts";
import { preferredEngine } from "./preferred-engine.ts";
import { startWasmEngine } from "./wasm-engine.ts";

/** Options of {@link startEngine}. */
export interface StartEngineOptions {
  /** The engine to take, or `"auto"` (the default) for the first that starts. */
  readonly prefer?: "auto" | EngineName;
  /**
   * Threads that the engine computes with. Default 1, or what `TF_NUM_INTRAOP_THREADS` says. More than one only on
   * `tensorflow`; where ranks are worker threads of one process, they share a pool of `threadsPerRank * ranks` threads.
   */
  readonly threadsPerRank?: number | undefined;
}

/** In the order in which `"auto"` tries them. */
const ENGINES: readonly {
  readonly name: EngineName;
  readonly start: (options: TensorflowOptions) => Promise<Omit<Engine, "skipped">>;
  readonly fix: string;
}[] = [
  {
    name: "tensorflow",
    start: startTensorflowEngine,
    fix: 'meshwright engine install, or prefer: "wasm"',
  },
  {
    name: "wasm",
    start: startWasmEngine,
    fix: 'npm install @tensorflow/tfjs-backend-wasm, or prefer: "cpu"',
  },
  { name: "cpu", start: startCpuEngine, fix: 'prefer: "auto"' },
];

/** Where the thread's engine is kept: on tfjs' own engine, which exists once per thread too. */
const SLOT = Symbol.for("meshwright.engine");

/**
 * Starts the engine of this thread and makes it tfjs' backend: `tensorflow` where `meshwright engine install` or an
 * installed tfjs-node-gpu or tfjs-node has put its library, else `wasm`, else `cpu`. Where the environment variable
 * `MESHWRIGHT_ENGINE` names an engine, `"auto"` means that one. Registers the engine's repaired kernels and the fused
 * kernels with their gradients; nothing is registered before.
 *
 * A thread has one engine. Calling again returns the same one; `engine.skipped` says what was not taken, and why.
 *
 * @example
 * ```ts
 * const engine = await startEngine();
 * console.log(engine.name); // "wasm" where no native library is installed
 * ```
 * @throws ContractError if `prefer` names an engine that cannot be had, that does not exist, or that is not the one
 * already running in this thread.
 */
export async function startEngine(options: StartEngineOptions = {}): Promise<Engine> {
  const names = ENGINES.map((candidate) => candidate.name);
  const { threadsPerRank } = options;
  const prefer = preferredEngine(options.prefer ?? "auto", names, process.env);
  if (threadsPerRank !== undefined && !(Number.isSafeInteger(threadsPerRank) && threadsPerRank > 0)) {
    throw new ContractError(
      `startEngine: threadsPerRank (${threadsPerRank}) must be a positive integer; use 1 or more.`,
    );
  }
  const slot = tfjsEngine();
  const running = Reflect.get(slot, SLOT) as Promise<Engine> | undefined;
  if (running !== undefined) return sameEngine(await running, prefer);
  const starting = prefer === "auto" ? startFirst({ threadsPerRank }) : startOne(prefer, { threadsPerRank });
  Reflect.set(slot, SLOT, starting);
  try {
    return await starting;
  } catch (error) {
    Reflect.deleteProperty(slot, SLOT);
    throw error;
  }
}

function sameEngine(running: Engine, prefer: "auto" | EngineName): Engine {
  if (prefer === "auto" || prefer === running.name) return running;
  throw new ContractError(
    `startEngine: prefer ("${prefer}") must be the engine that already runs in this thread ("${running.name}"), one per thread; use prefer: "${running.name}", or another thread.`,
  );
}

async function startOne(prefer: EngineName, options: TensorflowOptions): Promise<Engine> {
  const { name, start, fix } = ENGINES.find((candidate) => candidate.name === prefer)!;
  try {
    return complete(await start(options), [], options);
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error;
    throw new ContractError(
      `startEngine: prefer ("${name}") must be an engine that this machine has (${error.message}); use ${fix}.`,
      { cause: error },
    );
  }
}

async function startFirst(options: TensorflowOptions): Promise<Engine> {
  const skipped: SkippedEngine[] = [];
  for (const { name, start } of ENGINES) {
    try {
      return complete(await start(options), skipped, options);
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
      skipped.push({ name, reason: error.message });
    }
  }
  const reasons = skipped.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  throw new ContractError(
    `startEngine: prefer ("auto") must find an engine that starts (${reasons}); use a fresh install of @tensorflow/tfjs.`,
  );
}

function complete(
  started: Omit<Engine, "skipped">,
  skipped: readonly SkippedEngine[],
  { threadsPerRank = 1 }: TensorflowOptions,
): Engine {
  if (threadsPerRank > 1 && started.name !== "tensorflow") {
    throw new ContractError(
      `startEngine: threadsPerRank (${threadsPerRank}) must be 1 on the ${started.name} engine, which computes on one thread; use more ranks, or meshwright engine install and the tensorflow engine.`,
    );
  }
  const engine: Engine = { ...started, skipped };
  registerKernels(engine.backendName, engine);
  registerKernelGradients();
  return engine;
}
