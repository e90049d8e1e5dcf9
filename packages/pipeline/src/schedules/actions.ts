/**
 * The four kinds of action, as a generator writes them down.
 *
 * @packageDocumentation
 */
import type { Action } from "../schedule.ts";

/** Forward pass of one micro-batch through one chunk. */
export function forward(microBatch: number, chunk = 0): Action {
  return { kind: "F", microBatch, chunk };
}

/** Its whole backward pass. */
export function backward(microBatch: number, chunk = 0): Action {
  return { kind: "B", microBatch, chunk };
}

/** The gradient of its input. */
export function inputGradient(microBatch: number, chunk = 0): Action {
  return { kind: "I", microBatch, chunk };
}

/** The gradients of its weights. */
export function weightGradient(microBatch: number, chunk = 0): Action {
  return { kind: "W", microBatch, chunk };
}

/** `length` actions: `make(0)`, `make(1)`, ... */
export function each(length: number, make: (index: number) => Action): Action[] {
  return Array.from({ length: Math.max(0, length) }, (_, index) => make(index));
}
