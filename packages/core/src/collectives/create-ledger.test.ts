import { expect, test } from "vitest";
import { createLedger } from "./create-ledger.ts";
import type { LedgerEntry } from "./ledger.ts";

function entry(group: string, collective: LedgerEntry["collective"], bytesSent: number): LedgerEntry {
  return { group, collective, bytesSent, bytesTotal: 2 * bytesSent, label: `${group}!` };
}

test("totals add up calls and bytes by group and collective", () => {
  const ledger = createLedger();
  ledger.enter(entry("tp", "allReduce", 3));
  ledger.enter(entry("dp", "allReduce", 5));
  ledger.enter(entry("tp", "allGather", 7));
  ledger.enter(entry("tp", "allReduce", 11));
  expect(ledger.totals()).toEqual([
    { group: "tp", collective: "allReduce", calls: 2, bytesSent: 14 },
    { group: "tp", collective: "allGather", calls: 1, bytesSent: 7 },
    { group: "dp", collective: "allReduce", calls: 1, bytesSent: 5 },
  ]);
  ledger.reset();
  expect(ledger.totals()).toEqual([]);
});

test("record returns the entries of its body in order, and nests", () => {
  const ledger = createLedger();
  const [a, b, c] = [entry("tp", "send", 1), entry("tp", "receive", 0), entry("dp", "barrier", 0)];
  ledger.enter(entry("tp", "broadcast", 9));
  const outer = ledger.record(() => {
    ledger.enter(a);
    const inner = ledger.record(() => {
      ledger.enter(b);
      return "inner";
    });
    ledger.enter(c);
    return inner;
  });
  expect(outer.entries).toEqual([a, b, c]);
  expect(outer.result).toEqual({ result: "inner", entries: [b] });
});

test("record ends when its body throws", () => {
  const ledger = createLedger();
  const { entries } = ledger.record(() => {
    expect(() =>
      ledger.record(() => {
        throw new RangeError("body");
      }),
    ).toThrow("body");
    ledger.enter(entry("tp", "send", 1));
  });
  expect(entries).toHaveLength(1);
  ledger.enter(entry("tp", "send", 2));
  expect(entries).toHaveLength(1);
});
