/**
 * A backend for tests of kernels and modules, with the reference kernels registered and nothing repaired but what the
 * tests cannot do without.
 *
 * @packageDocumentation
 */
import { backend, getKernel, ready, registerKernel, setBackend, type TensorInfo } from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { ContractError } from "../../src/errors.ts";
import type { KernelMemory } from "../../src/kernels/reference.ts";
import { registerKernelGradients, registerKernels } from "../../src/kernels/register.ts";
import type { NumericArray } from "../../src/transport/transport.ts";

/** The backends that need no download. */
export const TEST_BACKENDS = ["cpu", "wasm"] as const;

/** Makes `name` the active tfjs backend and registers the reference kernels and their gradients. */
export async function useTestEngine(name: (typeof TEST_BACKENDS)[number]): Promise<KernelMemory> {
  if (!(await setBackend(name))) throw new ContractError(`useTestEngine: backend ${name} must start.`);
  await ready();
  const memory = backendMemory();
  registerKernels(name, memory);
  registerKernelGradients();
  registerUnsortedSegmentSum(name, memory);
  return memory;
}

/** View and create by copying, through what every tfjs backend has. */
function backendMemory(): KernelMemory {
  const active = backend();
  return {
    view: (info) => active.readSync(info.dataId) as NumericArray,
    create: (shape, dtype, fill) => {
      const count = shape.reduce((product, size) => product * size, 1);
      // NaN where a kernel forgets an element, so that its test fails.
      const values = dtype === "int32" ? new Int32Array(count) : new Float32Array(count).fill(NaN);
      fill?.(values);
      return { dataId: active.write(values, [...shape], dtype), shape: [...shape], dtype };
    },
  };
}

/** The wasm backend lacks this kernel, which the gradient of gather needs. */
function registerUnsortedSegmentSum(backendName: string, memory: KernelMemory): void {
  const existing: unknown = getKernel("UnsortedSegmentSum", backendName);
  if (existing !== undefined) return;
  registerKernel({
    kernelName: "UnsortedSegmentSum",
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const { x, segmentIds } = inputs as Record<"x" | "segmentIds", TensorInfo>;
      const { numSegments } = attrs as { numSegments: number };
      const rowShape = x.shape.slice(1);
      const rowSize = rowShape.reduce((product, size) => product * size, 1);
      return memory.create([numSegments, ...rowShape], "float32", (out) => {
        const xs = memory.view(x);
        out.fill(0);
        memory.view(segmentIds).forEach((segment, row) => {
          for (let i = 0; i < rowSize; i++) {
            const at = segment * rowSize + i;
            out[at] = out[at]! + xs[row * rowSize + i]!;
          }
        });
      });
    },
  });
}
