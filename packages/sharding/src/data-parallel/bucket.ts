/**
 * Which gradients travel together.
 *
 * A bucket is a run of gradients whose bytes stay within a limit; one that is larger on its own has a bucket of its own.
 *
 * ```
 *   limit 10   sizes 4 5 3 12 2 2   ->   [4 5] [3] [12] [2 2]
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/**
 * 1 MiB. Packing costs two copies, and a bucket of one tensor none: with larger buckets the copies cost more than the
 * collectives that they save, with smaller ones there are more collectives than need be (docs/data-parallel.md).
 * PyTorch takes 25 MiB.
 */
export const DEFAULT_BUCKET_BYTES = 2 ** 20;

/** Decides bucket by bucket, as sizes become known. */
export class Bucketing {
  readonly #limit: number;
  #filled = 0;
  #isEmpty = true;

  /** @throws ContractError if the limit is not positive. */
  constructor(where: string, limit: number) {
    if (!(limit > 0)) {
      throw new ContractError(
        `${where}: bucketBytes (${limit}) must be positive; use for example ${DEFAULT_BUCKET_BYTES}.`,
      );
    }
    this.#limit = limit;
  }

  /** Whether something of `bytes` begins a new bucket because the present one has no room for it. */
  add(bytes: number): boolean {
    const isFull = !this.#isEmpty && this.#filled + bytes > this.#limit;
    this.#filled = isFull ? bytes : this.#filled + bytes;
    this.#isEmpty = false;
    return isFull;
  }

  /** Whatever comes next begins a new bucket. */
  clear(): void {
    this.#filled = 0;
    this.#isEmpty = true;
  }
}

/**
 * The buckets of tensors with these bytes on a rank: lists of positions, each position once, in order.
 *
 * @example
 * ```ts
 * packBuckets([4, 5, 3, 12, 2, 2], 10); // [[0, 1], [2], [3], [4, 5]]
 * ```
 * @throws ContractError if `bucketBytes` is not positive.
 * @see Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", section 3.2.3,
 * https://arxiv.org/abs/2006.15704
 */
export function packBuckets(
  bytes: readonly number[],
  bucketBytes: number = DEFAULT_BUCKET_BYTES,
): readonly (readonly number[])[] {
  const bucketing = new Bucketing("packBuckets", bucketBytes);
  const buckets: number[][] = [];
  bytes.forEach((size, position) => {
    if (bucketing.add(size) || position === 0) buckets.push([position]);
    else buckets.at(-1)!.push(position);
  });
  return buckets;
}
