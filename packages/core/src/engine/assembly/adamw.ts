/** One AdamW step (Loshchilov and Hutter 2019), in the order of operations of PyTorch's `torch.optim.AdamW`. */
import { LANES, loadTail, storeTail } from "./vector";

/**
 * `m' = m + (1 - beta1) (g - m)`, `v' = beta2 v + (1 - beta2) g^2`,
 * `p' = p (1 - rate decay) - (rate / bias1) m' / (sqrt(v') / sqrt(bias2) + epsilon)`; the caller folds the scalars:
 * `keep = 1 - rate decay`, `stepSize = rate / bias1`, `unbias = 1 / sqrt(bias2)`.
 */
export function adamW(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  newP: usize,
  newM: usize,
  newV: usize,
  length: i32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  keep: f32,
  stepSize: f32,
  unbias: f32,
  epsilon: f32,
): void {
  for (let i = 0; i < length; i += LANES) {
    const at = (<usize>i) << 2,
      left = length - i;
    const whole = left >= LANES;
    const gradient = whole ? v128.load(g + at) : loadTail(g + at, left);
    const oldM = whole ? v128.load(m + at) : loadTail(m + at, left);
    const oldV = whole ? v128.load(v + at) : loadTail(v + at, left);
    const oldP = whole ? v128.load(p + at) : loadTail(p + at, left);
    const first = f32x4.add(oldM, f32x4.mul(f32x4.splat(oneMinusBeta1), f32x4.sub(gradient, oldM)));
    const second = f32x4.add(
      f32x4.mul(f32x4.splat(beta2), oldV),
      f32x4.mul(f32x4.mul(f32x4.splat(oneMinusBeta2), gradient), gradient),
    );
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(second), f32x4.splat(unbias)), f32x4.splat(epsilon));
    const change = f32x4.div(f32x4.mul(f32x4.splat(stepSize), first), denominator);
    const parameter = f32x4.sub(f32x4.mul(oldP, f32x4.splat(keep)), change);
    if (whole) {
      v128.store(newM + at, first);
      v128.store(newV + at, second);
      v128.store(newP + at, parameter);
    } else {
      storeTail(newM + at, first, left);
      storeTail(newV + at, second, left);
      storeTail(newP + at, parameter, left);
    }
  }
}
