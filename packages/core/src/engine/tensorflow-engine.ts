/**
 * The native engine: tfjs-node's kernels on the libtensorflow that `meshwright engine install` fetched, or on that of an
 * installed tfjs-node-gpu or tfjs-node.
 *
 * @packageDocumentation
 */
import { dirname } from "node:path";
import {
  backend,
  engine as tfjsEngine,
  findBackend,
  registerKernel,
  setBackend,
  type DataType,
  type KernelBackend,
  type TensorInfo,
} from "@tensorflow/tfjs";
import type { NumericArray } from "../transport/transport.ts";
import { CpuBridge, missingKernels } from "./bridge.ts";
import { repairCpuKernels } from "./cpu-corrections.ts";
import { CpuMemory, newArray } from "./cpu-internals.ts";
import type { Engine } from "./engine.ts";
import { EngineUnavailableError } from "./engine-unavailable.ts";
import { sizeOf } from "./shape.ts";
import { BACKEND_NAME, registerNativeBackend } from "./tensorflow/load-backend.ts";
import { canLend, LentMemory } from "./tensorflow/lent-memory.ts";
import { rankOnHost } from "./tensorflow/local-rank.ts";
import { locateNativeParts } from "./tensorflow/locate.ts";
import { prepareTensorflowProcess } from "./tensorflow/prepare-process.ts";
import { repairKernels } from "./tensorflow/repairs.ts";
import { allowShapeViews } from "./tensorflow/shape-views.ts";
import { exchangePlainRecords } from "./tensorflow/whole-tensors.ts";
import { registerTensorflowKernels, type FusedLibrary } from "./tensorflow-kernels/all.ts";
import { NativeBackend } from "./tensorflow-kernels/native-backend.ts";

/** Options of {@link startTensorflowEngine}. */
export interface TensorflowOptions {
  readonly threadsPerRank?: number | undefined;
}

/**
 * Starts the native backend. Costs a few look-ups in folders where there is none.
 *
 * In the main thread it also sets up the process, as one rank alone; before threads, the world has done so.
 *
 * @throws EngineUnavailableError if no library is found, or none of those found loads.
 */
export async function startTensorflowEngine({ threadsPerRank }: TensorflowOptions = {}): Promise<
  Omit<Engine, "skipped">
> {
  // A program that imported tfjs-node itself has the backend already.
  if (BACKEND_NAME in tfjsEngine().registryFactory) return take({ source: "the program's own tfjs-node" });
  const { parts, misses } = locateNativeParts();
  if (parts.length === 0) throw new EngineUnavailableError(misses.join("; "));
  const onHost = rankOnHost(process.env);
  prepareTensorflowProcess({ threadsPerRank, ranks: 1, onHost, isShared: false });
  const failures: string[] = [];
  for (const part of parts) {
    try {
      registerNativeBackend(part);
      return await take({ source: part.addon, folder: dirname(part.addon) });
    } catch (error) {
      failures.push(`${part.addon}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new EngineUnavailableError(failures.join("; "));
}

/** `folder`: of the addon, where the fused operations may lie. */
async function take({
  source,
  folder,
}: {
  readonly source: string;
  readonly folder?: string;
}): Promise<Omit<Engine, "skipped">> {
  if (!(await setBackend(BACKEND_NAME))) {
    throw new EngineUnavailableError(`tfjs could not start the backend of ${source}`);
  }
  allowShapeViews(backend());
  const bridged = bridgeKernels(backend());
  // Last of the stock and the repaired ones: they all call public operations.
  exchangePlainRecords(BACKEND_NAME);
  const library = registerTensorflowKernels(BACKEND_NAME, backend(), { folder });
  return {
    name: "tensorflow",
    backendName: BACKEND_NAME,
    bridgedKernels: () => bridged,
    ...memoryOf(backend(), library),
  };
}

/** Repairs kernels, and runs on the cpu backend those that tfjs-node lacks, whose names it returns. */
function bridgeKernels(native: KernelBackend): readonly string[] {
  const cpu = new CpuMemory(findBackend("cpu"));
  repairCpuKernels(cpu);
  const create = (values: NumericArray, shape: readonly number[], dtype: DataType): TensorInfo => {
    const ownShape = [...shape];
    return { dataId: native.write(values, ownShape, dtype), shape: ownShape, dtype };
  };
  const bridge = new CpuBridge({ copy: (info) => native.readSync(info.dataId), create }, cpu);
  const missing = missingKernels(BACKEND_NAME);
  for (const kernelName of missing) {
    registerKernel({
      kernelName,
      backendName: BACKEND_NAME,
      kernelFunc: (params) => bridge.run(kernelName, params),
    });
  }
  repairKernels(BACKEND_NAME, bridge);
  return missing;
}

/** Lent where the library can, else copied both ways. */
function memoryOf(native: KernelBackend, library: FusedLibrary | undefined): Pick<Engine, "view" | "create"> {
  if (canLend(library)) {
    const memory = new LentMemory(new NativeBackend(native), library);
    return {
      view: (info) => memory.view(info),
      create: (shape, dtype, fill) => memory.create(shape, dtype, fill),
    };
  }
  return {
    view: (info) => native.readSync(info.dataId) as NumericArray,
    create: (shape, dtype, fill) => {
      const values = newArray(sizeOf(shape), dtype);
      fill?.(values);
      const ownShape = [...shape];
      return { dataId: native.write(values, ownShape, dtype), shape: ownShape, dtype };
    },
  };
}
