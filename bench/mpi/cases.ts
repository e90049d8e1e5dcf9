/**
 * What the MPI benchmark measures. The C loop reads the same list.
 *
 * @packageDocumentation
 */

/** The collectives, as the C loop names them. */
export const COLLECTIVES = [
  "allReduce",
  "allGather",
  "reduceScatter",
  "allToAll",
  "broadcast",
  "barrier",
] as const;

/** One figure: `bytes` is the size of the whole array on one rank (gathered, reduced, sent in pieces or broadcast). */
export interface Case {
  readonly collective: (typeof COLLECTIVES)[number];
  readonly bytes: number;
  /** Calls per sample. */
  readonly calls: number;
}

/** Every collective at every size; a barrier has none. */
export function casesFor(sizes: readonly number[], budgetBytes: number, maxCalls: number): readonly Case[] {
  return COLLECTIVES.flatMap((collective) =>
    (collective === "barrier" ? [0] : sizes).map((bytes) => ({
      ...{ collective, bytes },
      calls: Math.max(2, Math.min(maxCalls, Math.floor(budgetBytes / Math.max(1, bytes)))),
    })),
  );
}

/** As the C loop takes it. */
export function caseArgument({ collective, bytes, calls }: Case): string {
  return `${collective}:${bytes}:${calls}`;
}
