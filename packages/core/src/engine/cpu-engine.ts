/**
 * The engine of last resort: tfjs' own cpu backend, plain JavaScript loops.
 *
 * @packageDocumentation
 */
import { backend, setBackend } from "@tensorflow/tfjs";
import { CpuMemory } from "./cpu-internals.ts";
import { repairCpuKernels } from "./cpu-corrections.ts";
import type { Engine } from "./engine.ts";
import { EngineUnavailableError } from "./engine-unavailable.ts";

/** Starts the cpu backend. @throws EngineUnavailableError if tfjs cannot start it. */
export async function startCpuEngine(): Promise<Omit<Engine, "skipped">> {
  if (!(await setBackend("cpu"))) throw new EngineUnavailableError("tfjs could not start its cpu backend");
  const memory = new CpuMemory(backend());
  repairCpuKernels(memory);
  return {
    name: "cpu",
    backendName: "cpu",
    bridgedKernels: () => [],
    view: (info) => memory.view(info),
    create: (shape, dtype, fill) => memory.create(shape, dtype, fill),
  };
}
