/**
 * Every kernel that the wasm engine registers over the stock ones.
 *
 * @packageDocumentation
 */
import { binaryKernels, select } from "./binary.ts";
import { conv2DBackpropFilter, conv2DBackpropInput } from "./conv-gradients.ts";
import { cast, cumulativeKernels, rightOnCpu } from "./corrections.ts";
import { crossEntropyKernels } from "./cross-entropy.ts";
import { fusedKernels } from "./fused.ts";
import { gatherV2, unsortedSegmentSum } from "./gather.ts";
import { groupedLinearKernels } from "./grouped-linear.ts";
import { identity } from "./identity.ts";
import { linearKernels } from "./linear.ts";
import { batchMatMul, fusedMatMul } from "./mat-mul.ts";
import { normalizeKernels } from "./normalize.ts";
import { poolGradients } from "./pool-gradients.ts";
import { innermostReductions, mean, sum } from "./reduce.ts";
import { concat, slice, splitV, unpack } from "./slice.ts";
import { tile } from "./tile.ts";
import { transpose } from "./transpose.ts";
import { pow, unaryKernels } from "./unary.ts";
import type { WasmKernel } from "./wasm-kernel.ts";

/** Every kernel that the wasm engine registers over the stock ones. */
export const wasmKernels: readonly WasmKernel[] = [
  batchMatMul,
  fusedMatMul,
  ...linearKernels,
  ...groupedLinearKernels,
  identity,
  transpose,
  slice,
  splitV,
  unpack,
  concat,
  tile,
  gatherV2,
  unsortedSegmentSum,
  sum,
  mean,
  ...innermostReductions,
  ...unaryKernels,
  pow,
  ...binaryKernels,
  select,
  cast,
  ...cumulativeKernels,
  ...fusedKernels,
  ...crossEntropyKernels,
  ...normalizeKernels,
  conv2DBackpropFilter,
  conv2DBackpropInput,
  ...poolGradients,
  ...rightOnCpu,
];
