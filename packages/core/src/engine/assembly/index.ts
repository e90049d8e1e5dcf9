/** Everything the engine calls; compiled to `generated/kernels.wasm.ts` by `scripts/build-engine-wasm.mjs`. */
export { adamW } from "./adamw";
export { binary, select } from "./binary";
export { crossEntropy, crossEntropyGrad, crossEntropySums } from "./cross-entropy";
export { dropout, dropoutScratchBytes } from "./dropout";
export { initialize, tableBytes } from "./elementary";
export { gelu, geluGrad } from "./gelu";
export { addBias, gemm, gemmScratchBytes } from "./gemm";
export { copyRows, gather, segmentSum, tile, transpose } from "./move";
export { layerNorm, normGrad, normGradScratchBytes, rmsNorm } from "./normalize";
export { causalSoftmax, causalSoftmaxGrad } from "./softmax";
export { sumColumns, sumRows } from "./sum";
export { unary } from "./unary";
