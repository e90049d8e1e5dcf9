/**
 * The engine that needs no download: the tfjs wasm backend (SIMD, one core per thread) with our own kernels.
 *
 * @packageDocumentation
 */
import {
  backend,
  findBackend,
  getKernel,
  registerKernel,
  setBackend,
  unregisterKernel,
  type KernelFunc,
  type TensorInfo,
} from "@tensorflow/tfjs";
import { COMPLEX_KERNELS, CpuBridge, missingKernels, type BridgedMemory } from "./bridge.ts";
import { CpuMemory } from "./cpu-internals.ts";
import { repairCpuKernels } from "./cpu-corrections.ts";
import type { Engine } from "./engine.ts";
import { EngineUnavailableError } from "./engine-unavailable.ts";
import { WasmHeap } from "./wasm-internals.ts";
import { wasmKernels } from "./wasm-kernels/all.ts";
import { rightOnCpu } from "./wasm-kernels/corrections.ts";
import type { WasmContext } from "./wasm-kernels/wasm-kernel.ts";
import { instantiateKernels } from "./wasm-module.ts";

/**
 * Starts the wasm backend, then registers our kernels over its own and bridges what it lacks to the cpu backend.
 *
 * @throws EngineUnavailableError if the package does not load or tfjs cannot start it.
 */
export async function startWasmEngine(): Promise<Omit<Engine, "skipped">> {
  await startBackend();
  const heap = new WasmHeap(backend());
  const cpu = new CpuMemory(findBackend("cpu"));
  repairCpuKernels(cpu);
  const bridge = new CpuBridge(bridgedHeap(heap), cpu);
  const context: WasmContext = {
    heap,
    kernels: instantiateKernels(heap).kernels,
    run: (kernelName, operands) => stockKernel(kernelName)({ ...operands, backend: backend() }) as TensorInfo,
    onCpu: (kernelName, operands) => bridge.run(kernelName, operands),
  };
  const bridged = registerAll(context, bridge);
  return {
    name: "wasm",
    backendName: "wasm",
    bridgedKernels: () => bridged,
    view: (info) => heap.view(info),
    create: (shape, dtype, fill) => {
      const info = heap.output(shape, dtype);
      fill?.(heap.view(info));
      return info;
    },
  };
}

function bridgedHeap(heap: WasmHeap): BridgedMemory {
  return {
    copy: (info) => heap.copy(info),
    create: (values, shape, dtype) => {
      const info = heap.output(shape, dtype);
      heap.view(info).set(values);
      return info;
    },
  };
}

async function startBackend(): Promise<void> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => new Set(process.listeners(event as "uncaughtException")));
  try {
    await import("@tensorflow/tfjs-backend-wasm");
    if (!(await setBackend("wasm")))
      throw new EngineUnavailableError("tfjs could not start its wasm backend");
  } catch (error) {
    if (error instanceof EngineUnavailableError) throw error;
    throw new EngineUnavailableError(`@tensorflow/tfjs-backend-wasm: ${String(error)}`, { cause: error });
  } finally {
    // Emscripten's listeners throw whatever they are given, which turns exit code 1 into 7.
    for (const [i, event] of events.entries()) {
      for (const listener of process.listeners(event as "uncaughtException")) {
        if (!before[i]!.has(listener)) process.off(event, listener);
      }
    }
  }
}

/** Returns the names of the bridged kernels. */
function registerAll(context: WasmContext, bridge: CpuBridge): readonly string[] {
  const missing = missingKernels("wasm");
  for (const kernelName of missing) {
    replaceKernel(kernelName, (params) => bridge.run(kernelName, params));
  }
  for (const { kernelName, kernelFunc } of wasmKernels) {
    replaceKernel(kernelName, kernelFunc(context, stockKernel(kernelName)));
  }
  for (const kernelName of COMPLEX_KERNELS) {
    replaceKernel(kernelName, bridge.aroundComplex(kernelName, stockKernel(kernelName)));
  }
  const own = new Set(wasmKernels.map((kernel) => kernel.kernelName));
  const copied = rightOnCpu.map((kernel) => kernel.kernelName);
  return [...missing.filter((name) => !own.has(name)), ...copied].sort();
}

/** The kernel registered now; for a name of our own, one that is never called. */
function stockKernel(kernelName: string): KernelFunc {
  // tfjs types the look-up as always successful; it returns undefined for a name that is not registered.
  const found = getKernel(kernelName, "wasm") as ReturnType<typeof getKernel> | undefined;
  return (
    found?.kernelFunc ??
    (() => {
      throw new EngineUnavailableError(`the wasm engine has no kernel ${kernelName}`);
    })
  );
}

function replaceKernel(kernelName: string, kernelFunc: KernelFunc): void {
  const found = getKernel(kernelName, "wasm") as ReturnType<typeof getKernel> | undefined;
  if (found !== undefined) unregisterKernel(kernelName, "wasm");
  registerKernel({ kernelName, backendName: "wasm", kernelFunc });
}
