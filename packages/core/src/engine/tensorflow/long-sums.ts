/**
 * Sums and means over long leading dims, in two stages.
 *
 * TensorFlow adds the rows of a matrix one after the other in float32: 500,000 rows of 0.1 sum up to 50,177. In `a` parts
 * of `b` rows each, the error grows with `a + b` instead of `a * b`.
 *
 * @packageDocumentation
 */
import { reshape, tidy, util, type KernelFunc, type Tensor } from "@tensorflow/tfjs";

/** Fewer rows than this lose no more than the other engines do. */
const MIN_ROWS = 2048;

/** `stock` is the kernel `Sum` or `Mean`, whose mean of equal parts' means is the mean. */
export function inTwoStages(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { x } = params.inputs as { x: Tensor };
    const { axis, keepDims } = params.attrs as { axis?: number | number[]; keepDims?: boolean };
    const axes = util.parseAxisParam(axis ?? x.shape.map((_, dim) => dim), x.shape);
    const rows = util.sizeFromShape(x.shape.slice(0, axes.length));
    const isLeading = axes.length < x.rank && axes.every((dim, i) => dim === i);
    const parts = isLeading && keepDims !== true && rows >= MIN_ROWS ? divisorNear(rows) : 1;
    if (parts === 1) return stock(params);
    return tidy(() => {
      const parted = reshape(x, [parts, rows / parts, ...x.shape.slice(axes.length)]);
      const ofParts = stock({ ...params, inputs: { x: parted }, attrs: { axis: [1], keepDims: false } });
      const inputs = { x: ofParts as Tensor };
      return stock({ ...params, inputs, attrs: { axis: [0], keepDims: false } }) as Tensor;
    });
  };
}

/** The divisor of `rows` that is nearest below its square root; 1 for a prime. */
export function divisorNear(rows: number): number {
  for (let divisor = Math.floor(Math.sqrt(rows)); divisor > 1; divisor--) {
    if (rows % divisor === 0) return divisor;
  }
  return 1;
}
