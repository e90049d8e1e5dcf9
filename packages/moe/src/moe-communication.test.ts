import { describe, expect, test } from "vitest";
import { evenRows, moeCommunication, type MoECommunicationOptions } from "./moe-communication.ts";

const OPTIONS: MoECommunicationOptions = {
  ...{ features: 16, topK: 2, tokens: 8, rank: 0 },
  rows: evenRows({ tokens: 8, topK: 2, numExperts: 4, ranks: 2 }),
};

describe("moeCommunication", () => {
  test("counts what goes to other ranks, and swaps it backward", () => {
    const bytes = (calls: readonly { readonly bytesSent: number }[]) =>
      calls.map(({ bytesSent }) => bytesSent);
    const even = moeCommunication(OPTIONS);
    expect(bytes(even.forward)).toEqual([16, 256, 256]);
    // Rank 1 sends 5 rows to rank 0, which sends 3.
    const uneven = { ...OPTIONS, rows: [[4, 1, 0, 3], [5, 0, 2, 1]] }; // prettier-ignore
    expect(bytes(moeCommunication(uneven).forward)).toEqual([16, 4 * 16 * 3, 4 * 16 * 5]);
    expect(bytes(moeCommunication(uneven).backward)).toEqual([4 * 16 * 3, 4 * 16 * 5]);
    expect(bytes(moeCommunication({ ...uneven, rank: 1 }).backward)).toEqual([4 * 16 * 5, 4 * 16 * 3]);
  });

  test("predicts nothing on one rank", () => {
    const rows = evenRows({ tokens: 8, topK: 2, numExperts: 4, ranks: 1 });
    expect(moeCommunication({ ...OPTIONS, rows })).toEqual({ forward: [], backward: [] });
  });

  test("refuses rows, ranks and tokens that do not fit", () => {
    expect(() => moeCommunication({ ...OPTIONS, rows: [[1, 2], [3]] })).toThrow(
      "moeCommunication: rows[1] (length 1) must hold one count per expert (2) for each rank; use evenRows, or the counts of planPermutation on each rank.",
    );
    expect(() => moeCommunication({ ...OPTIONS, rows: [[1], [3]] })).toThrow(
      "expertsPerRank: experts (1) must be a positive multiple of the ranks of the expert axis (2)",
    );
    expect(() => moeCommunication({ ...OPTIONS, rank: 2 })).toThrow(
      "moeCommunication: rank (2) must be a position on the expert axis, from 0 to 1.",
    );
    expect(() => moeCommunication({ ...OPTIONS, tokens: 7, dispatcher: "all-gather" })).toThrow(
      'moeCommunication: tokens (7) must be a multiple of the ranks (2) with dispatcher "all-gather"; use 8.',
    );
  });
});
