import { describe, expect, test } from "vitest";
import type { Region } from "../layout.ts";
import { elementsSent, transfersBetween } from "./transfers.ts";

const rows = (offset: number, size: number): Region => ({ offset: [offset], shape: [size] });

describe("transfersBetween", () => {
  test("asks the replica that has sent least so far", () => {
    // Shard(0), Replicate to Replicate, Shard(0) on 3 x 3: rank (a, b) holds chunk a and wants chunk b.
    const positions = Array.from({ length: 9 }, (_, i) => [Math.floor(i / 3), i % 3] as const);
    const have = positions.map(([a]) => rows(4 * a, 4));
    const want = positions.map(([, b]) => rows(4 * b, 4));
    // 6 ranks lack a chunk, and no rank sends two.
    expect(elementsSent(have, want)).toEqual([4, 4, 0, 4, 4, 0, 4, 4, 0]);
    const kept = transfersBetween(have, want).filter(({ sender, receiver }) => sender === receiver);
    expect(kept.map(({ sender }) => sender)).toEqual([0, 4, 8]);
  });

  test("sends each element that a rank lacks once, and what nobody lacks not at all", () => {
    const have = [rows(0, 3), rows(3, 2), rows(5, 0)];
    const want = [rows(0, 2), rows(2, 2), rows(4, 1)];
    expect(transfersBetween(have, want)).toEqual([
      { sender: 0, receiver: 0, box: rows(0, 2) },
      { sender: 0, receiver: 1, box: rows(2, 1) },
      { sender: 1, receiver: 1, box: rows(3, 1) },
      { sender: 1, receiver: 2, box: rows(4, 1) },
    ]);
    expect(elementsSent(have, want)).toEqual([1, 1, 0]);
    expect(elementsSent(have, have)).toEqual([0, 0, 0]);
  });
});
