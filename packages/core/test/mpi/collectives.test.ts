import { describe, expect, test, vi } from "vitest";
import { expectedOf, type Step } from "../communication/collective-steps.ts";
import { everything, ops } from "../communication/every-collective.ts";
import type { FaultReply } from "../communication/fault-programs.ts";
import type { NumericArray } from "../../src/transport/transport.ts";
import { HANG_MS, installedMpiruns } from "./mpirun.ts";
import { job, runJobs, type MpiJob } from "./rank-processes.ts";

vi.setConfig({ testTimeout: HANG_MS });
const launchers = installedMpiruns();
const file = "packages/core/test/communication/fault-programs.ts";
const sameOrder = "all ranks of a group must make the same calls in the same order.";
/** So many that a receiver which takes the second message for the first one does so. */
const PAIRS = 150;
const disagreements = ["collective", "length", "dtype", "op", "root", "counts"] as const;

function withoutLines(text: string): string {
  return text.replaceAll(/\.ts:\d+/g, ".ts:N");
}

/** Sums of floats, whose order MPI chooses. */
function floatSums(ranks: readonly number[]): readonly Step[] {
  return [5, 50_021].flatMap((length) =>
    ops.map((op): Step => ({ kind: "allReduce", ranks, dtype: "float32", length, op })),
  );
}

function jobsFor(ranks: number): readonly MpiJob[] {
  const all = Array.from({ length: ranks }, (_, rank) => rank);
  const groups =
    ranks === 4 ? [[0, 1], [2, 3], [0, 2], [1, 3], [1, 2, 3], [0, 3], [0, 1, 2, 3], [2]] : [[0, 1], [1]];
  return [
    job(
      "steps",
      [0, 7, 2_903].flatMap((length) => everything(all, length)),
    ),
    job(
      "steps",
      groups.flatMap((group) => everything(group, 40)),
    ),
    job("results", floatSums(all), { deterministic: false }),
    job("reorder", { sent: [4, 5, 4, 6], received: [6, 4, 5, 4], length: 3 }),
    job("crossfire", 50_000),
    job("sendBeforeBarrier", 1_000_000),
    job("sameTag", null),
    job("headersAndValues", PAIRS),
    job("entries", [{ kind: "allReduce", ranks: all, dtype: "float32", length: 6, op: "sum" }]),
    ...disagreements.map((how) => job("disagree", how)),
    job("disagree", "label", { checked: true }),
    job("disagree", "all-to-all counts"),
    job("wrongMessage", null),
    job("failTwice", null),
  ];
}

// Without an mpirun there is nothing to test.
describe.skipIf(launchers.length > 0)("Collectives over MPI", () => {
  test.skip("need mpirun: install openmpi-bin and libopenmpi-dev, or mpich", () => undefined);
});

describe.each(launchers)("Collectives over $name", (launcher) => {
  test.each([2, 4])("on %i processes equal plain loops and find every disagreement", async (ranks) => {
    const jobs = jobsFor(ranks);
    const replies = await runJobs(launcher, ranks, jobs);
    const valuesOf = (index: number): readonly unknown[] =>
      replies[index]!.map((reply) =>
        reply.kind === "done" ? reply.value : `${reply.name}: ${reply.message}`,
      );
    const everyRank = <T>(value: T): readonly T[] => new Array<T>(ranks).fill(value);
    expect(valuesOf(0).flat()).toEqual([]);
    expect(valuesOf(1).flat()).toEqual([]);
    checkFloatSums(valuesOf(2) as readonly (readonly NumericArray[])[]);
    expect(valuesOf(3)[1]).toEqual([603, 400, 501, 402]);
    expect(valuesOf(4)).toEqual(everyRank(true));
    expect(valuesOf(5).slice(0, 2)).toEqual([true, true]);
    expect(valuesOf(6)[1]).toEqual([2, 1]);
    expect(valuesOf(7)[1]).toBe(PAIRS);
    expect(valuesOf(8)[1]).toMatchObject([
      { collective: "allReduce", bytesSent: (2 * 24 * (ranks - 1)) / ranks },
    ]);
    checkDisagreements(replies.slice(9).map((_, index) => valuesOf(9 + index)) as FaultReply[][]);
  });
});

/** Within a rounding error of each addition, and the same bits on every rank. */
function checkFloatSums(results: readonly (readonly NumericArray[])[]): void {
  const ranks = results.map((_, rank) => rank);
  floatSums(ranks).forEach((step, index) => {
    const expected = expectedOf(step, index, 0);
    const bits = results.map((ofRank) => bitsOf(ofRank[index]!));
    expect(new Set(bits).size).toBe(1);
    const worst = Math.max(...expected.map((value, at) => Math.abs(value - results[0]![index]![at]!)));
    // Values of up to 80 times 4 ranks; float32 has 24 bits.
    expect(worst).toBeLessThanOrEqual(ranks.length * 320 * 2 ** -24);
  });
}

function bitsOf({ buffer, byteOffset, byteLength }: NumericArray): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function checkDisagreements(faults: readonly (readonly FaultReply[])[]): void {
  const text = (index: number, rank: number): string => withoutLines(faults[index]![rank]!.message);
  disagreements.forEach((how, index) => {
    for (const reply of faults[index]!) {
      expect({ how, name: reply.name, untouched: reply.untouched }).toEqual({
        ...{ how, name: "CollectiveMismatchError", untouched: true },
      });
      expect(reply.message).toBe(faults[index]![0]!.message);
    }
  });
  expect(text(0, 1)).toMatch(
    `Collective mismatch in group "tp": rank 0 called allReduce(sum, float32[12]) "grad w" at ${file}:N, rank 1 called allGather(float32[2]) at ${file}:N`,
  );
  expect(text(0, 0).endsWith(sameOrder)).toBe(true);
  expect(text(6, 0)).toContain(`rank 1 called allReduce(sum, float32[12]) "grad b" at ${file}:N`);
  expect(text(7, 0)).toContain(
    "rank 1 sends 2 elements to rank 0, which expects 2, and expects 3 from it, which sends 2",
  );
  expect(text(7, 1)).toContain(
    "rank 0 sends 2 elements to rank 1, which expects 3, and expects 2 from it, which sends 2",
  );
  expect(text(8, 1)).toBe(
    `Message mismatch in group "pp": rank 0 sent int32[5] with tag 9, rank 1 called receive(float32[4], from 0, tag 9) at ${file}:N; both sides must give the same dtype and length.`,
  );
  const [first, second] = faults[9]![0] as unknown as readonly FaultReply[];
  expect(second).toEqual(first);
  expect(first!.name).toBe("CollectiveMismatchError");
}
