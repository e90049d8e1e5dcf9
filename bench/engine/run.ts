/**
 * The engine benchmark: the wasm engine's kernels beside the stock ones of tfjs, interleaved in one process.
 *
 * @packageDocumentation
 */
import { availableParallelism, cpus } from "node:os";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { startEngine } from "../../packages/core/src/engine/start.ts";
import { fusedCases, kernelCases, productCases, type EngineCase } from "./cases.ts";
import { convCases } from "./conv-cases.ts";

/** Settings of the benchmark. */
export interface EngineBenchOptions {
  /** Samples per figure; the median counts. Default 9. */
  readonly samples?: number;
  /** Run only cases whose name contains this text. */
  readonly filter?: string;
}

/** Throughput of a matrix product; `stock` is tfjs-backend-wasm as it comes. */
export interface ProductFigure {
  readonly name: string;
  readonly gflops: number;
  readonly stockGflops: number;
}

/** Time per element of a kernel; `stockNsPerElement` is `null` where tfjs has no such kernel. */
export interface KernelFigure {
  readonly name: string;
  readonly nsPerElement: number;
  readonly stockNsPerElement: number | null;
}

/** All figures. */
export interface EngineBenchResult {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly date: string;
  readonly samples: number;
  readonly products: readonly ProductFigure[];
  readonly kernels: readonly KernelFigure[];
}

type Kernels = ReadonlyMap<string, tf.KernelFunc>;

/** Measures on this thread, whose engine becomes `wasm`. */
export async function runEngineBench(options: EngineBenchOptions = {}): Promise<EngineBenchResult> {
  const { samples = 9, filter = "" } = options;
  await tf.setBackend("wasm");
  const stock = registeredKernels();
  await startEngine({ prefer: "wasm" });
  const own = registeredKernels();
  const wanted = ({ name }: EngineCase): boolean => name.includes(filter);
  const measure = (engineCase: EngineCase): Timing => timesOf(engineCase, { own, stock, samples });
  return {
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism(), node: process.version },
    date: new Date().toISOString(),
    samples,
    products: productCases()
      .filter(wanted)
      .map((engineCase) => {
        const { own: ours, stock: theirs } = measure(engineCase);
        const work = engineCase.flops! / 1e6;
        return { name: engineCase.name, gflops: work / ours, stockGflops: work / theirs! };
      }),
    kernels: [...kernelCases(), ...fusedCases(), ...convCases()].filter(wanted).map((engineCase) => {
      const { own: ours, stock: theirs } = measure(engineCase);
      const perElement = 1e6 / engineCase.elements;
      return {
        name: engineCase.name,
        nsPerElement: ours * perElement,
        stockNsPerElement: theirs === null ? null : theirs * perElement,
      };
    }),
  };
}

/** Median milliseconds. */
interface Timing {
  readonly own: number;
  readonly stock: number | null;
}

function registeredKernels(): Kernels {
  return new Map(
    tf.getKernelsForBackend("wasm").map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]),
  );
}

/** Makes `kernels` the ones that tfjs runs, for every name that either set has. */
function install(kernels: Kernels): void {
  for (const [kernelName, kernelFunc] of kernels) {
    if (tf.getKernel(kernelName, "wasm").kernelFunc === kernelFunc) continue;
    tf.unregisterKernel(kernelName, "wasm");
    tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc });
  }
}

/** One sample of each, in turn, so that both see the same machine. */
function timesOf(
  engineCase: EngineCase,
  { own, stock, samples }: { readonly own: Kernels; readonly stock: Kernels; readonly samples: number },
): Timing {
  const theirs = engineCase.stock === undefined ? engineCase.run : engineCase.stock;
  const ownTimes: number[] = [];
  const stockTimes: number[] = [];
  // The first two turns compile and warm the caches.
  for (let turn = -2; turn < samples; turn++) {
    install(own);
    const mine = timeOf(engineCase.run);
    if (turn >= 0) ownTimes.push(mine);
    if (theirs === null) continue;
    install(stock);
    const other = timeOf(theirs);
    if (turn >= 0) stockTimes.push(other);
  }
  install(own);
  return { own: median(ownTimes), stock: theirs === null ? null : median(stockTimes) };
}

/** Milliseconds per call, over enough calls to fill a few milliseconds. */
function timeOf(run: () => tf.TensorContainer): number {
  let calls = 0;
  const start = performance.now();
  let elapsed = 0;
  do {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      run();
    });
    if (tf.memory().numTensors !== before) throw new Error("a benchmark case leaks tensors");
    calls++;
    elapsed = performance.now() - start;
  } while (elapsed < 5);
  return elapsed / calls;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
