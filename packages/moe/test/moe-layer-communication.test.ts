import { createWorld, type LedgerEntry, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moeCommunication, type PredictedCall } from "../src/moe-communication.ts";
import type program from "./programs/moe-layer-communication.ts";
import type {
  LayerCommunicationFacts,
  LayerCommunicationOptions,
} from "./programs/moe-layer-communication.ts";

const PROGRAM = new URL("./programs/moe-layer-communication.ts", import.meta.url);
const sizes = { features: 4, numExperts: 8, topK: 2 } as const;

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

const run = (options: LayerCommunicationOptions): Promise<LayerCommunicationFacts[]> =>
  world.run<typeof program>(PROGRAM, options);

/** Calls over one axis, in order. */
function callsOf(entries: readonly LedgerEntry[], axis: string): PredictedCall[] {
  return entries
    .filter(({ group }) => group === axis)
    .map(({ collective, label, bytesSent }) => ({ collective, label, bytesSent }));
}

describe("MoELayer on 4 ranks", () => {
  test("makes two all-to-alls forward and two backward, after one of counts, with the bytes that are predicted", async () => {
    const facts = await run({ axes: { dp: 1, ep: 4, tp: 1 }, layer: sizes, tokens: 13 });
    const rows = facts.map(({ rows }) => rows);
    facts.forEach(({ forward, backward }, rank) => {
      const predicted = moeCommunication({ ...sizes, tokens: 13, rows, rank });
      expect(callsOf(forward, "ep")).toEqual(predicted.forward);
      expect(callsOf(backward, "ep")).toEqual(predicted.backward);
      expect([...forward, ...backward].filter(({ group }) => group !== "ep")).toEqual([]);
    });
    expect(new Set(rows.map((counts) => counts.join())).size).toBeGreaterThan(1);
  });

  test("gathers tokens instead, with the bytes that are predicted", async () => {
    const layer = { ...sizes, dispatcher: "all-gather" } as const;
    const facts = await run({ axes: { dp: 2, ep: 2, tp: 1 }, layer, tokens: 12 });
    facts.forEach(({ forward, backward }, at) => {
      const rows = [facts[at & 2]!.rows, facts[(at & 2) + 1]!.rows];
      const predicted = moeCommunication({ ...layer, tokens: 6, rows, rank: at & 1 });
      const plain = (calls: readonly PredictedCall[]) => calls.map((call) => ({ ...call, label: "" }));
      expect(plain(callsOf(forward, "ep"))).toEqual(predicted.forward);
      expect(plain(callsOf(backward, "ep"))).toEqual(predicted.backward);
    });
  });

  test("where experts choose, moves scores to the experts that rank them, and gathers the choices", async () => {
    const layer = { ...sizes, expertChoice: true };
    const [facts] = await run({ axes: { dp: 1, ep: 4, tp: 1 }, layer, tokens: 12 });
    const calls = callsOf(facts!.forward, "ep");
    expect(calls.map(({ collective, bytesSent }) => [collective, bytesSent]).slice(0, 2)).toEqual([
      // 12 x 8 scores on 4 ranks; then 8 experts' 3 tokens each.
      ["allToAll", (4 * 12 * 8 * 3) / 16],
      ["allGather", (4 * 8 * 3 * 3) / 4],
    ]);
    expect(calls.slice(2).map(({ label }) => label)).toEqual(["expert counts", "dispatch", "combine"]);
    expect(facts!.backward.map(({ label }) => label)).toEqual(["combine, backward", "dispatch, backward"]);
  });

  test("sums over the tensor axis backward alone, for the tokens and their weights", async () => {
    const facts = await run({ axes: { dp: 1, ep: 2, tp: 2 }, layer: sizes, tokens: 6 });
    for (const { forward, backward } of facts) {
      expect(callsOf(forward, "tp")).toEqual([]);
      // 3 tokens on each rank, 2 S (p - 1) / p.
      expect(callsOf(backward, "tp").map(({ collective, bytesSent }) => [collective, bytesSent])).toEqual([
        ["allReduce", 4 * 3 * 2],
        ["allReduce", 4 * 3 * 4],
      ]);
    }
  });

  test("capacity, load and losses cost what is said", async () => {
    const layer = { ...sizes, capacity: { factor: 0.5 }, balance: { loss: 0.1, zLoss: 0.1, biasRate: 0.1 } };
    const [facts] = await run({ axes: { dp: 2, ep: 2, tp: 1 }, layer, tokens: 8 });
    const others = facts!.forward.filter(({ group }) => group !== "ep");
    const call = (collective: string, bytesSent: number) => ({ group: "dp+ep", collective, bytesSent });
    expect(others.map(({ group, collective, bytesSent }) => ({ group, collective, bytesSent }))).toEqual([
      // The choices of 2 tokens to 3 ranks, from which the load is known; then the values of two losses.
      call("allGather", 4 * 2 * 2 * 3),
      call("allReduce", (2 * 4 * 2 * 3) / 4),
    ]);
    const dropless = { ...sizes, balance: layer.balance };
    const [plain] = await run({ axes: { dp: 2, ep: 2, tp: 1 }, layer: dropless, tokens: 8 });
    expect(plain!.forward.find(({ label }) => label === "expert load")).toMatchObject(
      call("allReduce", (2 * 4 * (8 + 1) * 3) / 4),
    );
  });
});
