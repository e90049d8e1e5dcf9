/**
 * Normalisation kernels on rows whose features are split over ranks.
 *
 * Legend: D = features of a whole row, R = rows on a rank; per row, mu = mean, s = 1 / sqrt(var + epsilon), and
 * n = (x - mu) s (layer norm) or n = x s (root mean square).
 *
 * ```text
 * LayerNorm      mu, s from every rank's statistics            y = n gamma + beta
 * LayerNormGrad  g = dy gamma; sums of g and g n over ranks    dx = s (g - mean(g) - n mean(g n))
 * RMSNorm        sum of x^2 over ranks                         y = n gamma
 * RMSNormGrad    sum of g n over ranks                         dx = s (g - n mean(g n))
 * ```
 *
 * The gradients of gamma and beta are sums over rows: they stay with the features.
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { combineStatistics, partStatistics } from "./row-statistics.ts";
import type { LocalCall, LocalKernels } from "./rule.ts";

/** Where a step runs. */
export interface NormContext {
  readonly local: LocalCall;
  /** The groups of the axes that split the features. */
  readonly groups: readonly ProcessGroup[];
  readonly label: string;
  /** R */
  readonly numRows: number;
  /** D */
  readonly numFeatures: number;
}

/** Runs a kernel of the family on this rank's features. */
export type NormStep = (
  kernels: LocalKernels,
  inputs: readonly TensorInfo[],
  context: NormContext,
) => TensorInfo[];

/** `LayerNorm` */
export const layerNormStep: NormStep = (kernels, inputs, context) => {
  const { local, groups, numRows, numFeatures, label } = context;
  let statistics: Float32Array = new Float32Array();
  let rstd: Float32Array = new Float32Array();
  const y = outputOf(kernels, context, 0, (out) => {
    const [x, gamma, beta] = viewAll(kernels, inputs as Three<TensorInfo>);
    const size = gamma.length;
    statistics = combineStatistics(partStatistics(x, size, numRows), groups, label);
    rstd = statistics.subarray(1 + numRows).map((squares) => inverseRoot(squares, numFeatures, local));
    for (let row = 0, at = 0; row < numRows; row++) {
      const [mu, scale] = [statistics[1 + row]!, rstd[row]!];
      for (let i = 0; i < size; i++, at++) out[at] = (x[at]! - mu) * scale * gamma[i]! + beta[i]!;
    }
  });
  const mean = statistics.subarray(1, 1 + numRows);
  return [y, outputOf(kernels, context, 1, write(mean)), outputOf(kernels, context, 2, write(rstd))];
};

/** `LayerNormGrad` */
export const layerNormGradStep: NormStep = (kernels, inputs, context) => {
  const { numRows, numFeatures, local } = context;
  const size = local.inputs[2]!.localShape[0]!;
  const dgamma = new Float64Array(size);
  const dbeta = new Float64Array(size);
  const dx = outputOf(kernels, context, 0, (out) => {
    const [dy, x, gamma, mean, rstd] = viewAll(kernels, inputs as Five<TensorInfo>);
    const sums = new Float32Array(2 * numRows);
    for (let row = 0, at = 0; row < numRows; row++) {
      let sumG = 0;
      let sumGN = 0;
      for (let i = 0; i < size; i++, at++) {
        const n = (x[at]! - mean[row]!) * rstd[row]!;
        const g = dy[at]! * gamma[i]!;
        dgamma[i] = dgamma[i]! + dy[at]! * n;
        dbeta[i] = dbeta[i]! + dy[at]!;
        sumG += g;
        sumGN += g * n;
      }
      sums[row] = sumG;
      sums[numRows + row] = sumGN;
    }
    sumOverRanks(sums, context);
    for (let row = 0, at = 0; row < numRows; row++) {
      const [mu, scale] = [mean[row]!, rstd[row]!];
      const [meanG, meanGN] = [sums[row]! / numFeatures, sums[numRows + row]! / numFeatures];
      for (let i = 0; i < size; i++, at++) {
        out[at] = scale * (dy[at]! * gamma[i]! - meanG - (x[at]! - mu) * scale * meanGN);
      }
    }
  });
  return [dx, outputOf(kernels, context, 1, write(dgamma)), outputOf(kernels, context, 2, write(dbeta))];
};

/** `RMSNorm` */
export const rmsNormStep: NormStep = (kernels, inputs, context) => {
  const { local, numRows, numFeatures } = context;
  let rstd: Float32Array = new Float32Array();
  const y = outputOf(kernels, context, 0, (out) => {
    const [x, gamma] = viewAll(kernels, inputs as Two<TensorInfo>);
    const size = gamma.length;
    const squares = new Float32Array(numRows);
    for (let row = 0, at = 0; row < numRows; row++) {
      let sum = 0;
      for (let i = 0; i < size; i++, at++) sum += x[at]! * x[at]!;
      squares[row] = sum;
    }
    sumOverRanks(squares, context);
    rstd = squares.map((sum) => inverseRoot(sum, numFeatures, local));
    for (let row = 0, at = 0; row < numRows; row++) {
      for (let i = 0; i < size; i++, at++) out[at] = x[at]! * rstd[row]! * gamma[i]!;
    }
  });
  return [y, outputOf(kernels, context, 1, write(rstd))];
};

/** `RMSNormGrad` */
export const rmsNormGradStep: NormStep = (kernels, inputs, context) => {
  const { numRows, numFeatures, local } = context;
  const size = local.inputs[2]!.localShape[0]!;
  const dgamma = new Float64Array(size);
  const dx = outputOf(kernels, context, 0, (out) => {
    const [dy, x, gamma, rstd] = viewAll(kernels, inputs as Four<TensorInfo>);
    const sums = new Float32Array(numRows);
    for (let row = 0, at = 0; row < numRows; row++) {
      let sum = 0;
      for (let i = 0; i < size; i++, at++) {
        const dyn = dy[at]! * x[at]! * rstd[row]!;
        dgamma[i] = dgamma[i]! + dyn;
        sum += dyn * gamma[i]!;
      }
      sums[row] = sum;
    }
    sumOverRanks(sums, context);
    for (let row = 0, at = 0; row < numRows; row++) {
      const [scale, meanGN] = [rstd[row]!, sums[row]! / numFeatures];
      for (let i = 0; i < size; i++, at++) {
        out[at] = scale * (dy[at]! * gamma[i]! - x[at]! * scale * meanGN);
      }
    }
  });
  return [dx, outputOf(kernels, context, 1, write(dgamma))];
};

type Two<T> = readonly [T, T];
type Three<T> = readonly [T, T, T];
type Four<T> = readonly [T, T, T, T];
type Five<T> = readonly [T, T, T, T, T];

function viewAll<Infos extends readonly TensorInfo[]>(
  kernels: LocalKernels,
  infos: Infos,
): { readonly [K in keyof Infos]: NumericArray } {
  return infos.map((info) => kernels.view(info)) as { readonly [K in keyof Infos]: NumericArray };
}

function sumOverRanks(sums: Float32Array, { groups, label }: NormContext): void {
  for (const group of groups) group.allReduce(sums, { op: "sum", label });
}

/** `s` of a row with this sum of squares. */
function inverseRoot(squares: number, numFeatures: number, { call }: LocalCall): number {
  return 1 / Math.sqrt(squares / numFeatures + (call.attrs.epsilon as number));
}

function outputOf(
  kernels: LocalKernels,
  { local }: NormContext,
  index: number,
  fill: (out: NumericArray) => void,
): TensorInfo {
  const { localShape, dtype } = local.outputs[index]!;
  return kernels.create(localShape, dtype, fill);
}

function write(values: ArrayLike<number>): (out: NumericArray) => void {
  return (out) => {
    out.set(values);
  };
}
