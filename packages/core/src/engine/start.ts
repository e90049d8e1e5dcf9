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
import { startTensorflowEngine } from "./tensorflow-engine.ts";
import { startWasmEngine } from "./wasm-engine.ts";

/** Options of {@link startEngine}. */
export interface StartEngineOptions {
  /** The engine to take, or `"auto"` (the default) for the first that starts. */
  readonly prefer?: "auto" | EngineName;
}

/** In the order in which `"auto"` tries them. */
const ENGINES: readonly {
  readonly name: EngineName;
  readonly start: () => Promise<Omit<Engine, "skipped">>;
  readonly fix: string;
}[] = [
  {
    name: "tensorflow",
    start: startTensorflowEngine,
    fix: 'npm install @tensorflow/tfjs-node, or prefer: "wasm"',
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
 * Starts the engine of this thread and makes it tfjs' backend: `tensorflow` where tfjs-node-gpu or tfjs-node is
 * installed and loads, else `wasm`, else `cpu`. Registers the engine's repaired kernels and the fused kernels with their
 * gradients; nothing is registered before.
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
export async function startEngine({ prefer = "auto" }: StartEngineOptions = {}): Promise<Engine> {
  const names = ENGINES.map((candidate) => candidate.name);
  if (prefer !== "auto" && !names.includes(prefer)) {
    throw new ContractError(
      `startEngine: prefer ("${prefer}") must be "auto" or one of ${names.join(", ")}; use prefer: "auto".`,
    );
  }
  const slot = tfjsEngine();
  const running = Reflect.get(slot, SLOT) as Promise<Engine> | undefined;
  if (running !== undefined) return sameEngine(await running, prefer);
  const starting = prefer === "auto" ? startFirst() : startOne(prefer);
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

async function startOne(prefer: EngineName): Promise<Engine> {
  const { name, start, fix } = ENGINES.find((candidate) => candidate.name === prefer)!;
  try {
    return complete(await start(), []);
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error;
    throw new ContractError(
      `startEngine: prefer ("${name}") must be an engine that this machine has (${error.message}); use ${fix}.`,
      { cause: error },
    );
  }
}

async function startFirst(): Promise<Engine> {
  const skipped: SkippedEngine[] = [];
  for (const { name, start } of ENGINES) {
    try {
      return complete(await start(), skipped);
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

function complete(started: Omit<Engine, "skipped">, skipped: readonly SkippedEngine[]): Engine {
  const engine: Engine = { ...started, skipped };
  registerKernels(engine.backendName, engine);
  registerKernelGradients();
  return engine;
}
