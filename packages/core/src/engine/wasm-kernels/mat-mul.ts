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
import { broadcastSteps, forEachPoint, joinDims, sizeOf, stridesOf } from "../shape.ts";
import { wasmKernel, type WasmContext } from "./wasm-kernel.ts";

interface Transposes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
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
  context: WasmContext,
  { a, b }: { readonly a: TensorInfo; readonly b: TensorInfo },
  { transposeA, transposeB }: Transposes,
): TensorInfo {
  const { heap } = context;
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const aRows = a.shape[outerA.length]!;
  const aColumns = a.shape[outerA.length + 1]!;
  const bRows = b.shape[outerB.length]!;
  const bColumns = b.shape[outerB.length + 1]!;
  const m = transposeA ? aColumns : aRows;
  const k = transposeA ? aRows : aColumns;
  const n = transposeB ? bRows : bColumns;
  if (k !== (transposeB ? bColumns : bRows)) {
    throw new InternalError(`a matrix product of [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`);
  }
  const batch = broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const out = heap.output([...batch, m, n], "float32");
  const numProducts = sizeOf(batch);
  if (numProducts * m * n === 0) return out;
  if (k === 0) {
    heap.view(out).fill(0);
    return out;
  }
  const product = { m, n, k, transposeA, transposeB };
  if (numProducts === 1) {
    multiplyOne(context, product, { a: heap.address(a), b: heap.address(b), c: heap.address(out) });
  } else if (sizeOf(outerB) === 1 && sizeOf(outerA) === numProducts && !transposeA) {
    // One right operand for a whole batch of untransposed left ones is one taller product.
    const addresses = { a: heap.address(a), b: heap.address(b), c: heap.address(out) };
    multiplyOne(context, { ...product, m: m * numProducts }, addresses);
  } else {
    multiplyBatch(context, product, { a, b, out, batch });
  }
  return out;
}

/** Sizes of one product of a batch. */
export interface Product extends Transposes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** One product of operands at byte addresses: a part of a tensor is multiplied where it lies. */
export function multiplyOne(
  { heap, kernels }: WasmContext,
  { m, n, k, transposeA, transposeB }: Product,
  { a, b, c }: { readonly a: number; readonly b: number; readonly c: number },
): void {
  const scratch = heap.scratch(kernels.gemmScratchBytes(m, n, k));
  const [aRow, aColumn] = transposeA ? [1, m] : [k, 1];
  const [bRow, bColumn] = transposeB ? [1, k] : [n, 1];
  kernels.gemm(a, aRow, aColumn, b, bRow, bColumn, c, m, n, k, scratch);
}

function multiplyBatch(
  context: WasmContext,
  product: Product,
  operands: {
    readonly a: TensorInfo;
    readonly b: TensorInfo;
    readonly out: TensorInfo;
    readonly batch: readonly number[];
  },
): void {
  const { heap } = context;
  const { a, b, out, batch } = operands;
  const { m, n, k } = product;
  const loop = joinDims({
    sizes: batch,
    steps: [
      broadcastSteps(a.shape.slice(0, -2), batch),
      broadcastSteps(b.shape.slice(0, -2), batch),
      stridesOf(batch),
    ],
  });
  const [pa, pb, pc] = [heap.address(a), heap.address(b), heap.address(out)];
  forEachPoint(loop, ([oa, ob, oc]) => {
    const addresses = { a: pa + 4 * m * k * oa!, b: pb + 4 * k * n * ob!, c: pc + 4 * m * n * oc! };
    multiplyOne(context, product, addresses);
  });
}
