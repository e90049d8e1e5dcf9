/**
 * Where the elements along one dim of the outputs of a kernel come from, and which of them change ranks when the dim is
 * split.
 *
 * ```
 *   slice [1, 6) of 7, on 2 ranks     0 1 2 3 | 4 5 6      one run: from 1 to 0, 5 long
 *                                       1 2 3 | 4 5        nothing: 1 2 3 stay, 4 5 stay
 *   reverse of 4, on 2 ranks          0 1 | 2 3            one run: from 3 to 0, step -1, 4 long
 *                                     3 2 | 1 0            all four change ranks
 * ```
 *
 * Pure: every rank computes the same transfers from sizes alone.
 *
 * @packageDocumentation
 */
import { chunk, type Range } from "../layout.ts";

/** `length` elements: number k goes from position `from + k step` of an input to position `to + k` of an output. */
export interface Run {
  /** Default 0. */
  readonly input?: number;
  readonly from: number;
  /** Not 0. Default 1. */
  readonly step?: number;
  /** Default 0. */
  readonly output?: number;
  readonly to: number;
  readonly length: number;
}

/** The dim on all ranks. */
export interface RunPlan {
  readonly runs: readonly Run[];
  /** Whole size of the dim in each input. */
  readonly inputSizes: readonly number[];
  /** Whole size of the dim in each output. */
  readonly outputSizes: readonly number[];
}

/** A part of a run that goes from one rank to another (or stays); positions are local. */
export interface Transfer {
  readonly input: number;
  readonly from: number;
  readonly step: number;
  readonly output: number;
  readonly to: number;
  readonly length: number;
}

/** What the rank at position `sender` of `parts` has for the one at `receiver`. */
export function transfersBetween(
  { runs, inputSizes, outputSizes }: RunPlan,
  parts: number,
  sender: number,
  receiver: number,
): Transfer[] {
  return runs.flatMap(({ input = 0, from, step = 1, output = 0, to, length }) => {
    const source = chunk(inputSizes[input]!, parts, sender);
    const target = chunk(outputSizes[output]!, parts, receiver);
    const [first, end] = overlap({ from, step, to, length }, source, target);
    if (first >= end) return [];
    return [
      {
        ...{ input, from: from + first * step - source.start, step },
        ...{ output, to: to + first - target.start, length: end - first },
      },
    ];
  });
}

/** The numbers k of a run whose source and target lie in the ranges: `[first, end)`. */
function overlap(
  { from, step, to, length }: Required<Pick<Run, "from" | "step" | "to" | "length">>,
  source: Range,
  target: Range,
): [number, number] {
  const last = source.start + source.size - 1;
  // from + k step >= source.start and <= last, solved for k; a negative step turns both round.
  const [low, high] = step > 0 ? [source.start, last] : [last, source.start];
  const first = Math.max(0, target.start - to, Math.ceil((low - from) / step));
  const end = Math.min(length, target.start + target.size - to, Math.floor((high - from) / step) + 1);
  return source.size === 0 ? [0, 0] : [first, end];
}

/** The largest number of elements along the dim that one rank sends to others. */
export function mostSent(plan: RunPlan, parts: number): number {
  let most = 0;
  for (let sender = 0; sender < parts; sender++) {
    let sent = 0;
    for (let receiver = 0; receiver < parts; receiver++) {
      if (receiver === sender) continue;
      for (const { length } of transfersBetween(plan, parts, sender, receiver)) sent += length;
    }
    most = Math.max(most, sent);
  }
  return most;
}
