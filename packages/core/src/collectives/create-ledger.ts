/**
 * The ledger of one rank.
 *
 * @packageDocumentation
 */
import type { CollectiveName, Ledger, LedgerEntry, LedgerTotal } from "./ledger.ts";

/**
 * Makes an empty ledger.
 *
 * @example
 * ```ts
 * const { entries } = world.ledger.record(() => world.group.allReduce(new Float32Array(3)));
 * entries[0].bytesSent; // 2 * 12 * (n - 1) / n
 * ```
 */
export function createLedger(): Ledger {
  return new RankLedger();
}

type MutableTotal = { -readonly [Key in keyof LedgerTotal]: LedgerTotal[Key] };

class RankLedger implements Ledger {
  /** By group, then by collective: no key is built per call. */
  readonly #totals = new Map<string, Map<CollectiveName, MutableTotal>>();
  readonly #recordings: LedgerEntry[][] = [];

  totals(): readonly LedgerTotal[] {
    return [...this.#totals.values()].flatMap((ofGroup) =>
      [...ofGroup.values()].map((total) => ({ ...total })),
    );
  }

  reset(): void {
    this.#totals.clear();
  }

  record<R>(body: () => R): { readonly result: R; readonly entries: readonly LedgerEntry[] } {
    const entries: LedgerEntry[] = [];
    this.#recordings.push(entries);
    try {
      return { result: body(), entries };
    } finally {
      this.#recordings.splice(this.#recordings.indexOf(entries), 1);
    }
  }

  enter(entry: LedgerEntry): void {
    const total = this.#total(entry.group, entry.collective);
    total.calls++;
    total.bytesSent += entry.bytesSent;
    for (const recording of this.#recordings) recording.push(entry);
  }

  #total(group: string, collective: CollectiveName): MutableTotal {
    let ofGroup = this.#totals.get(group);
    if (!ofGroup) {
      ofGroup = new Map();
      this.#totals.set(group, ofGroup);
    }
    let total = ofGroup.get(collective);
    if (!total) {
      total = { group, collective, calls: 0, bytesSent: 0 };
      ofGroup.set(collective, total);
    }
    return total;
  }
}
