/**
 * Cross-entropy over rows of classes: the loss, the sums of one holder of classes, and the gradient.
 *
 * Legend: T = tokens, V = classes held, from class `first` on.
 */
import { constants, exp4 } from "./elementary";
import { BLOCK, maskTail, maxOf, sumOfExponentials } from "./softmax";
import { horizontalSum, LANES, loadTail, madd, storeTail } from "./vector";

/** The host's natural logarithm; once per row. */
// @ts-ignore: decorator
@external("env", "log")
declare function hostLog(x: f64): f64;

/** The host's `e^x`; once per row. */
// @ts-ignore: decorator
@external("env", "exp")
declare function hostExp(x: f64): f64;

/** The host's `e^x - 1`; once per row. */
// @ts-ignore: decorator
@external("env", "expm1")
declare function hostExpm1(x: f64): f64;

/** `sum (x - shift)` */
function sumOfDifferences(x: usize, length: i32, shift: f32): f64 {
  const offset = f32x4.splat(shift);
  let total: f64 = 0;
  for (let start = 0; start < length; start += BLOCK) {
    const end = min(start + BLOCK, length);
    let sum = f32x4.splat(0);
    let i = start;
    for (; i + LANES <= end; i += LANES) sum = f32x4.add(sum, f32x4.sub(v128.load(x + (<usize>i << 2)), offset));
    if (i < end) sum = f32x4.add(sum, maskTail(f32x4.sub(loadTail(x + (<usize>i << 2), end - i), offset), end - i));
    total += horizontalSum(sum);
  }
  return total;
}

/**
 * With `z = ln sum_v e^logits[t, v]`: `logSumExp[t] = z` and
 * `loss[t] = z - (1 - smoothing) logits[t, labels[t]] - smoothing mean_v logits[t, v] + zLoss z^2`, 0 where the label is
 * `ignore`.
 */
export function crossEntropy(
  logits: usize, labels: usize, loss: usize, logSumExp: usize, T: i32, V: i32,
  ignore: f64, smoothing: f64, zLoss: f64,
): void {
  for (let t = 0; t < T; t++) {
    const at = <usize>t << 2;
    const top = maxOf(logits, V);
    const z = <f64>top + hostLog(sumOfExponentials(logits, 0, V, 1, top));
    const label = load<i32>(labels + at);
    let value: f64 = 0;
    if (<f64>label != ignore) {
      value = z - <f64>load<f32>(logits + (<usize>label << 2));
      if (smoothing != 0) {
        const target = <f64>load<f32>(logits + (<usize>label << 2)) - <f64>top;
        value += smoothing * (target - sumOfDifferences(logits, V, top) / V);
      }
      if (zLoss != 0) value += zLoss * z * z;
    }
    store<f32>(logSumExp + at, <f32>z);
    store<f32>(loss + at, <f32>value);
    logits += <usize>V << 2;
  }
}

/**
 * With `x = logits[t, v] - max[t]`: `sums[0, t] = sum_v e^x`; `sums[1, t] = x` of the label, 0 if it is not held;
 * `sums[2, t] = sum_v x` if `hasTotal`.
 */
export function crossEntropySums(
  logits: usize, labels: usize, max: usize, sums: usize, T: i32, V: i32, first: i32, hasTotal: i32,
): void {
  const row = <usize>T << 2;
  for (let t = 0; t < T; t++) {
    const at = <usize>t << 2;
    const top = load<f32>(max + at);
    const own = load<i32>(labels + at) - first;
    const isHeld = own >= 0 && own < V;
    store<f32>(sums + at, <f32>sumOfExponentials(logits, 0, V, 1, top));
    store<f32>(sums + row + at, isHeld ? load<f32>(logits + (<usize>own << 2)) - top : 0);
    if (hasTotal) store<f32>(sums + 2 * row + at, <f32>sumOfDifferences(logits, V, top));
    logits += <usize>V << 2;
  }
}

/**
 * With `z = logSumExp[t]`, `p = e^(logits[t, v] - z)`, `spread = smoothing / classes`:
 * `dlogits[t, v] = dy[t] ((1 + 2 zLoss z) p - spread - (1 - smoothing) [v + first = labels[t]])`, 0 where the label is
 * `ignore`.
 */
export function crossEntropyGrad(
  dy: usize, logits: usize, labels: usize, logSumExp: usize, dlogits: usize, T: i32, V: i32,
  first: i32, ignore: f64, smoothing: f64, spread: f64, zLoss: f64,
): void {
  const table = constants();
  for (let t = 0; t < T; t++) {
    const at = <usize>t << 2;
    const label = load<i32>(labels + at);
    if (<f64>label == ignore) memory.fill(dlogits, 0, <usize>V << 2);
    else {
      const weight = <f64>load<f32>(dy + at), z = load<f32>(logSumExp + at);
      const more = 2 * zLoss * <f64>z;
      const factor = f32x4.splat(<f32>(weight * (1 + more)));
      const offset = f32x4.splat(<f32>(-weight * spread)), shift = f32x4.splat(z);
      let v = 0;
      for (; v + LANES <= V; v += LANES) {
        const column = <usize>v << 2;
        const p = exp4(f32x4.sub(v128.load(logits + column), shift), table);
        v128.store(dlogits + column, madd(factor, p, offset));
      }
      if (v < V) {
        const column = <usize>v << 2, left = V - v;
        const p = exp4(f32x4.sub(loadTail(logits + column, left), shift), table);
        storeTail(dlogits + column, madd(factor, p, offset), left);
      }
      const own = label - first;
      if (own >= 0 && own < V) {
        // e^x - 1 without cancellation where the model is already sure.
        const place = <usize>own << 2;
        const distance = <f64>load<f32>(logits + place) - <f64>z;
        const rest = (more == 0 ? 0 : more * hostExp(distance)) + smoothing - spread;
        store<f32>(dlogits + place, <f32>(weight * (hostExpm1(distance) + rest)));
      }
    }
    logits += <usize>V << 2;
    dlogits += <usize>V << 2;
  }
}
