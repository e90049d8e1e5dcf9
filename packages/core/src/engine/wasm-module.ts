/**
 * Our own wasm kernels, instantiated on the memory of the tfjs wasm backend.
 *
 * @packageDocumentation
 */
import { setFlagsFromString } from "node:v8";
import { plainModule, relaxedModule } from "./generated/kernels.wasm.ts";
import { webAssembly, type WasmMemory } from "./web-assembly.ts";

/** The exports of `assembly/index.ts`. Every pointer is a byte address in the tfjs heap. */
export interface WasmKernels {
  tableBytes(): number;
  initialize(table: number): void;
  gemm(
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    bRow: number,
    bColumn: number,
    c: number,
    m: number,
    n: number,
    k: number,
    scratch: number,
  ): void;
  gemmScratchBytes(m: number, n: number, k: number): number;
  addBias(c: number, bias: number, rows: number, columns: number): void;
  unary(code: number, x: number, y: number, length: number): void;
  binary(code: number, a: number, aStep: number, b: number, bStep: number, to: number, length: number): void;
  select(condition: number, a: number, b: number, to: number, length: number): void;
  sumRows(from: number, to: number, rows: number, length: number, divisor: number): void;
  sumColumns(from: number, to: number, rows: number, columns: number, divisor: number, totals: number): void;
  transpose(from: number, fromRow: number, to: number, toRow: number, rows: number, columns: number): void;
  copyRows(from: number, fromStride: number, to: number, toStride: number, rows: number, bytes: number): void;
  tile(from: number, to: number, dims: number, numDims: number, elementBytes: number): number;
  gather(
    from: number,
    indices: number,
    to: number,
    batch: number,
    outer: number,
    size: number,
    count: number,
    bytes: number,
  ): number;
  segmentSum(from: number, ids: number, to: number, count: number, numSegments: number, length: number): void;
  layerNorm(
    x: number,
    gamma: number,
    beta: number,
    y: number,
    mean: number,
    rstd: number,
    rows: number,
    length: number,
    epsilon: number,
  ): void;
  rmsNorm(
    x: number,
    gamma: number,
    y: number,
    rstd: number,
    rows: number,
    length: number,
    epsilon: number,
  ): void;
  normGradScratchBytes(length: number): number;
  normGrad(
    dy: number,
    x: number,
    gamma: number,
    mean: number,
    rstd: number,
    dx: number,
    dgamma: number,
    dbeta: number,
    rows: number,
    length: number,
    scratch: number,
  ): void;
  gelu(approximate: number, x: number, y: number, length: number): void;
  geluGrad(approximate: number, dy: number, x: number, dx: number, length: number): void;
  causalSoftmax(x: number, y: number, batch: number, T: number, S: number, scale: number): void;
  causalSoftmaxGrad(
    dy: number,
    y: number,
    dx: number,
    batch: number,
    T: number,
    S: number,
    scale: number,
  ): void;
  crossEntropy(
    logits: number,
    labels: number,
    loss: number,
    logSumExp: number,
    T: number,
    V: number,
    ignore: number,
    smoothing: number,
    zLoss: number,
  ): void;
  crossEntropySums(
    logits: number,
    labels: number,
    max: number,
    sums: number,
    T: number,
    V: number,
    first: number,
    hasTotal: number,
  ): void;
  crossEntropyGrad(
    dy: number,
    logits: number,
    labels: number,
    logSumExp: number,
    dlogits: number,
    T: number,
    V: number,
    first: number,
    ignore: number,
    smoothing: number,
    spread: number,
    zLoss: number,
  ): void;
  dropoutScratchBytes(): number;
  dropout(
    x: number,
    y: number,
    length: number,
    low: number,
    high: number,
    key0: number,
    key1: number,
    threshold: number,
    scale: number,
    scratch: number,
  ): void;
  adamW(
    p: number,
    g: number,
    m: number,
    v: number,
    newP: number,
    newM: number,
    newV: number,
    length: number,
    oneMinusBeta1: number,
    beta2: number,
    oneMinusBeta2: number,
    keep: number,
    stepSize: number,
    unbias: number,
    epsilon: number,
  ): void;
}

/** `relaxed` has fused multiply-add; its products are faster and round once where `plain` rounds twice. */
export type WasmBuild = "relaxed" | "plain";

/**
 * Instantiates the kernels on the heap's memory, with their constants in it. Without `build` the relaxed one is taken where this Node can run it; all ranks
 * of a world on the same Node and the same kind of CPU therefore compute the same bits.
 */
export function instantiateKernels(
  heap: { readonly memory: WasmMemory; allocate(bytes: number): number },
  build: WasmBuild = bestBuild(),
): { readonly build: WasmBuild; readonly kernels: WasmKernels } {
  const bytes = Buffer.from(build === "relaxed" ? relaxedModule : plainModule, "base64");
  const imports = { env: { memory: heap.memory, exp: Math.exp, expm1: Math.expm1, log: Math.log } };
  const { Instance, Module } = webAssembly();
  const instance = new Instance(new Module(bytes), imports);
  // The exports are those of the generated module, whose sources a test compares with it.
  const kernels = instance.exports as WasmKernels;
  kernels.initialize(heap.allocate(kernels.tableBytes()));
  return { build, kernels };
}

/** Node 20 knows relaxed SIMD behind a flag that can be set while it runs; later versions have it by default. */
function bestBuild(): WasmBuild {
  const bytes = Buffer.from(relaxedModule, "base64");
  const api = webAssembly();
  if (api.validate(bytes)) return "relaxed";
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  return api.validate(bytes) ? "relaxed" : "plain";
}
