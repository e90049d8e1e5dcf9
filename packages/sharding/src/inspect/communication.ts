/**
 * Counts what a block of code communicates, per mesh axis and collective.
 *
 * @packageDocumentation
 */
import type { LedgerEntry, LedgerTotal, World } from "@meshwright/core";

/** What a block of code communicated on this rank. */
export interface Communication<R> {
  readonly result: R;
  /** Per axis and collective, in order of first use. */
  readonly totals: readonly LedgerTotal[];
  /** Every call, in order. */
  readonly entries: readonly LedgerEntry[];
}

/**
 * Runs `body` and counts the collectives that it makes on this rank. Reading a tensor (`dataSync`) may communicate;
 * what is read after `body` is not counted.
 *
 * @example
 * ```ts
 * const { totals } = countCommunication(world, () => block.apply(x));
 * // [{ group: "tp", collective: "allReduce", calls: 2, bytesSent: 6291456 }]
 * ```
 */
export function countCommunication<R>(world: World, body: () => R): Communication<R> {
  const { result, entries } = world.ledger.record(body);
  const totals = new Map<
    string,
    { group: string; collective: LedgerEntry["collective"]; calls: number; bytesSent: number }
  >();
  for (const { group, collective, bytesSent } of entries) {
    const key = `${group} ${collective}`;
    const total = totals.get(key) ?? { group, collective, calls: 0, bytesSent: 0 };
    total.calls++;
    total.bytesSent += bytesSent;
    totals.set(key, total);
  }
  return { result, totals: [...totals.values()], entries };
}

/** The totals as a text table, one line per axis and collective. */
export function formatCommunication(totals: readonly LedgerTotal[]): string {
  if (totals.length === 0) return "no communication\n";
  const rows = totals.map(({ group, collective, calls, bytesSent }) => [
    group,
    collective,
    String(calls),
    String(Math.round(bytesSent)),
  ]);
  const header = ["axis", "collective", "calls", "bytes sent"];
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]!.length)));
  return [header, ...rows]
    .map(
      (row) =>
        `${row.map((cell, c) => (c < 2 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join("  ")}\n`,
    )
    .join("");
}
