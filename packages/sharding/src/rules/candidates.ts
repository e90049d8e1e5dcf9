/**
 * Candidates for the k largest elements of rows that several ranks hold in parts.
 *
 * @packageDocumentation
 */
import { floatKey } from "./order-key.ts";

/** What all candidates of a search have in common. */
export interface CandidateShape {
  /** Candidates per row. */
  readonly k: number;
  readonly numRows: number;
  readonly isFloat: boolean;
}

/** k candidates per row, the best first; values (as bits) and positions share one buffer, to travel together. */
export interface Candidates extends CandidateShape {
  readonly buffer: Int32Array;
  readonly bits: Int32Array;
  /** `ABSENT` where a part has fewer than k elements. */
  readonly positions: Int32Array;
}

const ABSENT = 2 ** 31 - 1;

/** Candidates out of at most k sorted elements per row. */
export function padCandidates(bits: Int32Array, positions: Int32Array, shape: CandidateShape): Candidates {
  const { k, numRows } = shape;
  const candidates = newCandidates(shape);
  const width = bits.length / numRows;
  candidates.positions.fill(ABSENT);
  for (let row = 0; row < numRows; row++) {
    candidates.bits.set(bits.subarray(row * width, (row + 1) * width), row * k);
    candidates.positions.set(positions.subarray(row * width, (row + 1) * width), row * k);
  }
  return candidates;
}

/**
 * The k best of the candidates of `numParts` parts, whose buffers lie one after the other. Parts are in the order of
 * their elements, so among equal values the one of the earlier part comes first.
 */
export function mergeCandidates(buffers: Int32Array, numParts: number, shape: CandidateShape): Candidates {
  const { k, numRows, isFloat } = shape;
  const merged = newCandidates(shape);
  const half = k * numRows;
  const next = new Int32Array(numParts);
  for (let row = 0; row < numRows; row++) {
    next.fill(0);
    for (let rank = 0; rank < k; rank++) {
      let best = -1;
      let bestKey = -Infinity;
      for (let part = 0; part < numParts; part++) {
        const at = part * 2 * half + row * k + next[part]!;
        if (next[part] === k || buffers[at + half] === ABSENT) continue;
        const key = isFloat ? floatKey(buffers[at]!) : buffers[at]!;
        if (key <= bestKey) continue;
        best = part;
        bestKey = key;
      }
      const to = row * k + rank;
      if (best < 0) {
        merged.positions[to] = ABSENT;
        continue;
      }
      const from = best * 2 * half + row * k + next[best]!++;
      merged.bits[to] = buffers[from]!;
      merged.positions[to] = buffers[from + half]!;
    }
  }
  return merged;
}

function newCandidates(shape: CandidateShape): Candidates {
  const length = shape.k * shape.numRows;
  const buffer = new Int32Array(2 * length);
  const { k, numRows, isFloat } = shape;
  return {
    k,
    numRows,
    isFloat,
    buffer,
    bits: buffer.subarray(0, length),
    positions: buffer.subarray(length),
  };
}
