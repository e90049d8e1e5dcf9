import { createWorld, type LedgerTotal, type WorldHandle } from "@meshwright/core";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/transformer-communication.ts";
import type { PartCommunication, TransformerCommunication } from "./programs/transformer-communication.ts";

const PROGRAM = new URL("./programs/transformer-communication.ts", import.meta.url);
const DOCUMENT = new URL("../../../docs/tensor-parallel.md", import.meta.url);
const [B, T, D, V] = [3, 6, 24, 13];

/** The rows below a marker in docs/tensor-parallel.md: layer, forward, backward, bytes. */
function documented(marker: string): ReadonlyMap<string, readonly string[]> {
  const [, after] = readFileSync(DOCUMENT, "utf8").split(`<!-- ${marker} -->`);
  const [, table] = after!.split("\n\n");
  const rows = table!.split("\n").slice(2);
  return new Map(
    rows.map((row) => {
      const [layer, ...cells] = row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [layer!, cells];
    }),
  );
}

const WORDS = { allReduce: "all-reduce", allGather: "all-gather", reduceScatter: "reduce-scatter" };

/** `2 all-gather, 2 reduce-scatter`, sorted by name. */
function inWords(totals: readonly LedgerTotal[]): string {
  const words = totals.map(({ collective, calls }) => `${calls} ${WORDS[collective as keyof typeof WORDS]}`);
  return words.sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1)).join(", ") || "none";
}

function bytesOf({ forward, backward }: PartCommunication): number {
  return [...forward, ...backward].reduce((sum, { bytesSent }) => sum + bytesSent, 0);
}

/** The same as the table says. */
function expectDocumented(part: PartCommunication, row: readonly string[], numRanks: number): void {
  const tokens = (4 * B * T * (numRanks - 1)) / numRanks;
  const [count, unit] = row[2]!.split(" ");
  expect([inWords(part.forward), inWords(part.backward)]).toEqual(row.slice(0, 2));
  expect(bytesOf(part)).toBeCloseTo(Number(count) * tokens * (unit === "S" ? D : 1), 6);
}

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 3 });
});
afterAll(() => world.close());

function run(
  ranks: number,
  options: { model: "gpt" | "llama"; sequenceParallel: boolean; labelSmoothing?: number; positions?: number },
): Promise<TransformerCommunication[]> {
  return world.run<typeof program>(PROGRAM, { labelSmoothing: 0, positions: T, ...options }, { ranks });
}

describe.each([2, 3])("a transformer on tp = %i", (numRanks) => {
  test("communicates what docs/tensor-parallel.md says, layer by layer", async () => {
    for (const model of ["gpt", "llama"] as const) {
      for (const sequenceParallel of [false, true]) {
        const rows = documented(sequenceParallel ? "sequence-parallel" : "tensor-parallel");
        const ranks = await run(numRanks, { model, sequenceParallel });
        const smoothed = await run(numRanks, { model, sequenceParallel, labelSmoothing: 0.1 });
        ranks.forEach((measured, rank) => {
          expectDocumented(measured.embedding, rows.get("embedding")!, numRanks);
          expectDocumented(measured.block, rows.get("block")!, numRanks);
          expectDocumented(measured.head, rows.get("final norm and head")!, numRanks);
          expectDocumented(measured.loss, rows.get("cross-entropy")!, numRanks);
          expectDocumented(smoothed[rank]!.loss, rows.get("cross-entropy, smoothed")!, numRanks);
          expectWholeStep(measured, numRanks);
        });
      }
    }
  });
});

/** A step of two blocks is the sum of its layers: nothing is moved between them. */
function expectWholeStep(measured: TransformerCommunication, numRanks: number): void {
  const tokens = (4 * B * T * (numRanks - 1)) / numRanks;
  const total = measured.step.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  expect(total).toBeCloseTo((2 + 2 * 8 + 2) * tokens * D + 6 * tokens, 6);
}

test("the vocabulary stays split: logits, and the gradients of embedding and head", async () => {
  for (const sequenceParallel of [false, true]) {
    const ranks = await run(2, { model: "llama", sequenceParallel });
    ranks.forEach(({ placements, elements }, rank) => {
      const rows = [7, V - 7][rank]!;
      expect(elements).toEqual({ logits: B * T * rows, tableGradient: rows * D });
      expect(placements).toEqual({
        residual: sequenceParallel ? '{"kind":"shard","dim":1}' : '{"kind":"replicate"}',
        logits: '{"kind":"shard","dim":2}',
        tableGradient: '{"kind":"shard","dim":0}',
        headGradient: '{"kind":"shard","dim":1}',
      });
    });
  }
});

test("sequence parallelism keeps fewer activations, also where positions do not divide by the ranks", async () => {
  for (const positions of [6, 5]) {
    const [whole] = await run(2, { model: "llama", sequenceParallel: false, positions });
    const [split] = await run(2, { model: "llama", sequenceParallel: true, positions });
    const saved = whole!.activationBytes - split!.activationBytes;
    // Rank 0 has ceil(T / 2) positions. Of each it keeps the embedding, the two sums and the input of the next block in
    // 2 blocks; the statistics of the 5 norms are smaller too.
    const lacking = positions - Math.ceil(positions / 2);
    expect(saved).toBeGreaterThanOrEqual(4 * B * lacking * (5 * D + 5));
  }
});
