/**
 * Something that every rank does once, and that ends with all of them or with the first failure.
 *
 * @packageDocumentation
 */

/** Collects one value per rank. */
export class Attempt<T> {
  /** Number of ranks. */
  readonly size: number;
  /** The values in rank order, or the first failure. */
  readonly finished: Promise<T[]>;
  readonly #values: (T | undefined)[];
  readonly #arrived = new Set<number>();
  readonly #resolve: (values: T[]) => void;
  readonly #reject: (reason: unknown) => void;

  constructor(size: number) {
    this.size = size;
    this.#values = new Array<T | undefined>(size);
    let resolve: (values: T[]) => void = () => undefined;
    let reject: (reason: unknown) => void = () => undefined;
    this.finished = new Promise<T[]>((onValues, onReason) => {
      resolve = onValues;
      reject = onReason;
    });
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The value of one rank. */
  arrive(rank: number, value: T): void {
    this.#values[rank] = value;
    this.#arrived.add(rank);
    if (this.#arrived.size === this.#values.length) this.#resolve(this.#values as T[]);
  }

  /** Ends the attempt. A promise settles once, so the first failure wins. */
  fail(reason: unknown): void {
    this.#reject(reason);
  }
}
