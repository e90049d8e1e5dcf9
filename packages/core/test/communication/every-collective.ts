/**
 * All collectives as one list of steps.
 *
 * @packageDocumentation
 */
import type { DType, Step } from "./collective-steps.ts";

const dtypes: readonly DType[] = ["float32", "int32", "bool"];

/** Every reduction. */
export const ops = ["sum", "max", "min", "avg"] as const;

/** Every collective, dtype and op on `ranks`, with lengths around `length`; uneven and zero-length pieces included. */
export function everything(ranks: readonly number[], length: number): readonly Step[] {
  const n = ranks.length;
  const uneven = ranks.map((_, rank) => Math.max(0, length + 5 * rank - 7));
  const oneEmpty = ranks.map((_, rank) => (rank === n - 1 ? length : 0));
  const table = ranks.map((_, from) =>
    ranks.map((__, to) => (from === 1 && to === 0 ? 0 : length + 3 * from - to)),
  );
  return dtypes.flatMap((dtype): Step[] => {
    const base = { ranks, dtype };
    return [
      ...ops.map((op): Step => ({ ...base, kind: "allReduce", length, op })),
      ...ops.map((op): Step => ({ ...base, kind: "reduceScatter", counts: uneven, op })),
      { ...base, kind: "reduceScatter", counts: oneEmpty, op: "sum" },
      { ...base, kind: "allGather", counts: uneven },
      { ...base, kind: "allGather", counts: oneEmpty },
      { ...base, kind: "allToAll", counts: table.map((row) => row.map((count) => Math.max(0, count))) },
      { ...base, kind: "broadcast", length, root: n - 1 },
      { ...base, kind: "barrier" },
      ...(n > 1 ? [{ ...base, kind: "message", length, from: n - 1, to: 0, tag: 4 } as const] : []),
    ];
  });
}
