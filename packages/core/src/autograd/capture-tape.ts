/**
 * The tape of a checkpoint's forward pass: it keeps nothing but what a second run will need.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { activeTape } from "./engine-tape.ts";
import type { Tape, TapeNode } from "./tape-node.ts";

/** A counter that tells the calls of a random layer apart: a call's random numbers are keyed by its value. */
export interface CallCounter {
  callIndex: number;
}

/** Frees at once what kernels save, and notes which tensors of the outside, and which counters, were used. */
export class CaptureTape implements Tape {
  readonly #firstNewId: number;
  readonly #enclosing: CaptureTape | undefined;
  readonly #captured = new Set<Tensor>();
  readonly #counters = new Map<CallCounter, number>();
  #numNodes = 0;

  /** @param firstNewId - tensors with smaller ids are from outside */
  constructor(firstNewId: number) {
    this.#firstNewId = firstNewId;
    this.#enclosing = activeCapture();
  }

  /** Number of nodes recorded. */
  get numNodes(): number {
    return this.#numNodes;
  }

  /** Tensors of the outside that kernels used, in order of first use. */
  get captured(): readonly Tensor[] {
    return [...this.#captured];
  }

  /** Where the counters stood before they were first used. */
  get counters(): ReadonlyMap<CallCounter, number> {
    return this.#counters;
  }

  push({ inputs, saved }: TapeNode): void {
    this.#numNodes++;
    for (const name in inputs) {
      const input = inputs[name]!;
      if (input.id < this.#firstNewId) this.#captured.add(input);
    }
    for (const tensor of saved) tensor.dispose();
  }

  /** Notes where a counter stands. */
  note(counter: CallCounter): void {
    if (!this.#counters.has(counter)) this.#counters.set(counter, counter.callIndex);
    this.#enclosing?.note(counter);
  }
}

/** The checkpoint whose forward pass runs now. */
export function activeCapture(): CaptureTape | undefined {
  const tape = activeTape();
  return tape instanceof CaptureTape ? tape : undefined;
}
