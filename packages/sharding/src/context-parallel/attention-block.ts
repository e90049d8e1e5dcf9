/**
 * Attention of one block of queries to one block of keys, and how blocks are put together.
 *
 * Legend: R = rows (query positions, for all heads that share a key head), C = key positions, Dh = features of a head;
 * per row m = largest score, l = sum of `exp(score - m)`, L = m + log l (the logarithm of the sum of exponentials).
 *
 * ```text
 * forward     S = q k^T (q is scaled before)      o = exp(S - m) v       not yet divided by l
 * merge       m = max(m1, m2)   l = l1 e^(m1 - m) + l2 e^(m2 - m)        o the same way
 * backward    P = exp(S - L)    dv = P^T do    dS = P (do v^T - D)    dq = dS k    dk = dS^T q    D = sum(do o)
 * ```
 *
 * @see Dao et al. 2022, "FlashAttention", section 3.1 and appendix B, https://arxiv.org/abs/2205.14135
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { EngineDoor } from "../backend/engine-door.ts";

/** Attention to the keys seen so far: `out` is `[.., R, Dh]`, `max` and `sum` are `[.., R, 1]`. */
export interface RunningAttention {
  readonly max: TensorInfo;
  readonly sum: TensorInfo;
  readonly out: TensorInfo;
}

/** Keys and values `[.., C, Dh]`; `mask` `[C, C]` is added to the scores where a block is causal. */
export interface BlockKeys {
  readonly k: TensorInfo;
  readonly v: TensorInfo;
  readonly mask: TensorInfo | undefined;
}

/** What the backward pass knows of a block of queries. */
export interface BlockQueries {
  readonly q: TensorInfo;
  readonly dy: TensorInfo;
  /** L and D, `[.., R, 1]`. */
  readonly logSumExp: TensorInfo;
  readonly delta: TensorInfo;
}

/** Runs kernels of the engine; what they return is the caller's. */
export class BlockAttention {
  readonly #door: EngineDoor;

  constructor(door: EngineDoor) {
    this.#door = door;
  }

  /** Attention of `q` to one block. */
  attend(q: TensorInfo, keys: BlockKeys): RunningAttention {
    const scores = this.#scores(q, keys);
    const max = this.#run(
      "Max",
      { x: scores },
      { reductionIndices: [scores.shape.length - 1], keepDims: true },
    );
    const weights = this.#exponential(scores, max);
    this.#free(scores);
    const sum = this.#rowSum(weights);
    const out = this.#multiply(weights, keys.v);
    this.#free(weights);
    return { max, sum, out };
  }

  /** Puts two disjoint sets of keys together. Frees both. */
  merge(a: RunningAttention, b: RunningAttention): RunningAttention {
    const max = this.#run("Maximum", { a: a.max, b: b.max });
    const [factorA, factorB] = [this.#exponential(a.max, max), this.#exponential(b.max, max)];
    const sum = this.#weighted(a.sum, factorA, b.sum, factorB);
    const out = this.#weighted(a.out, factorA, b.out, factorB);
    this.#free(factorA, factorB, a.max, a.sum, a.out, b.max, b.sum, b.out);
    return { max, sum, out };
  }

  /** The attention and L, all keys seen. Frees `running`. */
  finish({ max, sum, out }: RunningAttention): { readonly y: TensorInfo; readonly logSumExp: TensorInfo } {
    const y = this.#run("RealDiv", { a: out, b: sum });
    const logSum = this.#run("Log", { x: sum });
    const logSumExp = this.#run("Add", { a: max, b: logSum });
    this.#free(max, sum, out, logSum);
    return { y, logSumExp };
  }

  /** Gradients of a block. */
  pullBack(
    { q, dy, logSumExp, delta }: BlockQueries,
    keys: BlockKeys,
  ): { readonly dq: TensorInfo; readonly dk: TensorInfo; readonly dv: TensorInfo } {
    const scores = this.#scores(q, keys);
    const weights = this.#exponential(scores, logSumExp);
    const dv = this.#multiply(weights, dy, { transposeA: true });
    const dWeights = this.#multiply(dy, keys.v, { transposeB: true });
    const centred = this.#run("Sub", { a: dWeights, b: delta });
    const dScores = this.#run("Multiply", { a: weights, b: centred });
    this.#free(scores, weights, dWeights, centred);
    const dq = this.#multiply(dScores, keys.k);
    const dk = this.#multiply(dScores, q, { transposeA: true });
    this.#free(dScores);
    return { dq, dk, dv };
  }

  /** D: the row sums of `dy y`. */
  delta(dy: TensorInfo, y: TensorInfo): TensorInfo {
    const product = this.#run("Multiply", { a: dy, b: y });
    const delta = this.#rowSum(product);
    this.#free(product);
    return delta;
  }

  /** `a + b`; frees both. */
  add(a: TensorInfo, b: TensorInfo): TensorInfo {
    const sum = this.#run("Add", { a, b });
    this.#free(a, b);
    return sum;
  }

  #scores(q: TensorInfo, { k, mask }: BlockKeys): TensorInfo {
    const scores = this.#multiply(q, k, { transposeB: true });
    if (mask === undefined) return scores;
    // Each head's rows are one square, whether or not heads share their keys.
    const size = mask.shape[0]!;
    const squares = this.#door.reshape(
      scores,
      [-1, size, size].map((n) => (n < 0 ? countOf(scores) / size ** 2 : n)),
    );
    const masked = this.#run("Add", { a: squares, b: mask });
    const result = this.#door.reshape(masked, scores.shape);
    this.#free(scores, squares, masked);
    return result;
  }

  #exponential(x: TensorInfo, subtracted: TensorInfo): TensorInfo {
    const difference = this.#run("Sub", { a: x, b: subtracted });
    const power = this.#run("Exp", { x: difference });
    this.#free(difference);
    return power;
  }

  #weighted(a: TensorInfo, factorA: TensorInfo, b: TensorInfo, factorB: TensorInfo): TensorInfo {
    return this.add(this.#run("Multiply", { a, b: factorA }), this.#run("Multiply", { a: b, b: factorB }));
  }

  #rowSum(x: TensorInfo): TensorInfo {
    return this.#run("Sum", { x }, { axis: [x.shape.length - 1], keepDims: true });
  }

  #multiply(
    a: TensorInfo,
    b: TensorInfo,
    {
      transposeA = false,
      transposeB = false,
    }: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
  ): TensorInfo {
    return this.#run("BatchMatMul", { a, b }, { transposeA, transposeB });
  }

  #run(
    kernel: string,
    inputs: Readonly<Record<string, TensorInfo>>,
    attrs: Readonly<Record<string, unknown>> = {},
  ): TensorInfo {
    return this.#door.run(kernel, inputs, attrs)[0]!;
  }

  #free(...infos: readonly TensorInfo[]): void {
    for (const info of infos) this.#door.dispose(info);
  }
}

function countOf({ shape }: TensorInfo): number {
  return shape.reduce((product, size) => product * size, 1);
}
