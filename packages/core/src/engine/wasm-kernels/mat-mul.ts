/**
 * Matrix products, in place of XNNPACK's: every transpose at full speed, batches broadcast, no second copy of the right
 * operand, and no cache that an in-place change could make stale.
 *
 * Legend: B = batch dims, M = rows, N = columns, K = length of the sums.
 *
 * @packageDocumentation
 */
import { broadcast_util, type TensorInfo } from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";
import { broadcastSteps, forEachPoint, joinDims, sizeOf, stridesOf, type Loop } from "../shape.ts";
import { wasmKernel, type WasmContext } from "./wasm-kernel.ts";

interface Transposes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Sizes and element strides of one product of a batch. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly strides: readonly [aRow: number, aColumn: number, bRow: number, bColumn: number];
}

/** `[B, M, K] x [B, K, N] -> [B, M, N]`, each operand optionally transposed, batch dims broadcast. */
export const batchMatMul = wasmKernel<Record<"a" | "b", TensorInfo>, Transposes & Record<string, boolean>>(
  "BatchMatMul",
  (call) => {
    const { a, b } = call.inputs;
    if (a.dtype === "float32" && b.dtype === "float32") return multiply(call, call.inputs, call.attrs);
    return call.onCpu("BatchMatMul", { inputs: call.inputs, attrs: call.attrs });
  },
);

interface FusedAttrs extends Transposes {
  readonly activation: string;
  readonly leakyreluAlpha?: number;
}

interface FusedInputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

/** The product, then bias and activation. */
export const fusedMatMul = wasmKernel("_FusedMatMul", (call) => {
  const inputs = call.inputs as object as FusedInputs;
  const attrs = call.attrs as object as FusedAttrs;
  if (inputs.a.dtype !== "float32" || inputs.b.dtype !== "float32") {
    return call.onCpu("_FusedMatMul", { inputs: call.inputs, attrs: call.attrs });
  }
  const biased = withBias(call, multiply(call, inputs, attrs), inputs.bias);
  const activated = activate(call, biased, { ...attrs, weights: inputs.preluActivationWeights });
  if (activated !== biased) call.heap.release(biased);
  return activated;
});

function withBias(context: WasmContext, product: TensorInfo, bias: TensorInfo | undefined): TensorInfo {
  if (bias === undefined) return product;
  const { heap, kernels } = context;
  const columns = product.shape.at(-1)!;
  if (sizeOf(bias.shape) === columns && bias.shape.at(-1) === columns) {
    kernels.addBias(heap.address(product), heap.address(bias), sizeOf(product.shape.slice(0, -1)), columns);
    return product;
  }
  const sum = context.run("Add", { inputs: { a: product, b: bias } });
  heap.release(product);
  return sum;
}

const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: "Relu",
  relu6: "Relu6",
  elu: "Elu",
  sigmoid: "Sigmoid",
  leakyrelu: "LeakyRelu",
  prelu: "Prelu",
};

function activate(
  context: WasmContext,
  x: TensorInfo,
  options: {
    readonly activation: string;
    readonly leakyreluAlpha?: number;
    readonly weights: TensorInfo | undefined;
  },
): TensorInfo {
  const { activation, leakyreluAlpha, weights } = options;
  if (activation === "linear") return x;
  const kernelName = ACTIVATIONS[activation];
  if (kernelName === undefined) throw new InternalError(`a fused activation "${activation}"`);
  if (weights !== undefined) return context.run(kernelName, { inputs: { x, alpha: weights } });
  return context.run(kernelName, { inputs: { x }, attrs: { alpha: leakyreluAlpha ?? 0 } });
}

function multiply(
  { heap, kernels }: WasmContext,
  { a, b }: { readonly a: TensorInfo; readonly b: TensorInfo },
  { transposeA, transposeB }: Transposes,
): TensorInfo {
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [innerB, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (k !== innerB) {
    throw new InternalError(`a matrix product of [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`);
  }
  const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = heap.output([...batch, m, n], "float32");
  if (sizeOf(out.shape) === 0) return out;
  if (k === 0) {
    heap.view(out).fill(0);
    return out;
  }
  const strides = [transposeA ? 1 : k, transposeA ? m : 1, transposeB ? 1 : n, transposeB ? k : 1] as const;
  const loop = joinDims({
    sizes: batch,
    steps: [
      broadcastSteps(a.shape.slice(0, -2), batch).map((step) => step * m * k),
      broadcastSteps(b.shape.slice(0, -2), batch).map((step) => step * n * k),
      stridesOf(batch).map((step) => step * m * n),
    ],
  });
  const folded = foldBatch({ m, n, k, strides }, loop);
  const scratch = heap.scratch(kernels.gemmScratchBytes(folded.product.m, n, k));
  const [pa, pb, pc] = [heap.address(a), heap.address(b), heap.address(out)];
  forEachPoint(folded.loop, ([oa, ob, oc]) => {
    const product = folded.product;
    kernels.gemm(
      pa + 4 * oa!,
      ...pair(strides, 0),
      pb + 4 * ob!,
      ...pair(strides, 2),
      pc + 4 * oc!,
      product.m,
      n,
      k,
      scratch,
    );
  });
  return out;
}

function pair(strides: Product["strides"], at: 0 | 2): [row: number, column: number] {
  return [strides[at], strides[at + 1]!];
}

/** One right operand for a whole batch of untransposed left ones is one taller product. */
function foldBatch(product: Product, loop: Loop): { readonly product: Product; readonly loop: Loop } {
  const [aSteps, bSteps] = loop.steps as [readonly number[], readonly number[]];
  const { m, k, strides } = product;
  const folds = loop.sizes.length === 1 && bSteps[0] === 0 && aSteps[0] === m * k && strides[1] === 1;
  if (!folds) return { product, loop };
  return { product: { ...product, m: m * loop.sizes[0]! }, loop: { sizes: [], steps: [[], [], []] } };
}
