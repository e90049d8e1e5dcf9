import { createWorld, type LedgerTotal, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/split-dims.ts";
import type { SplitDimFacts } from "./programs/split-dims.ts";

const PROGRAM = new URL("./programs/split-dims.ts", import.meta.url);
const NOTHING = { numTensors: 0, numDataBuffers: 0, numDataIds: 0, numEngineDataIds: 0, liveBytes: 0 };
/** One float32 per row. */
const ROW = 7 * 4;

type Facts = Readonly<Record<string, SplitDimFacts>>;

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

async function runOn(mesh: Readonly<Record<string, number>>): Promise<Facts[]> {
  const ranks = Object.values(mesh).reduce((a, b) => a * b, 1);
  return world.run<typeof program>(PROGRAM, { mesh }, { ranks });
}

/** Calls of one collective, each with `bytes` of result (all-reduce) or `bytes` from every rank (all-gather). */
function calls(
  group: string,
  collective: LedgerTotal["collective"],
  size: number,
  bytes: readonly number[],
): LedgerTotal {
  const whole = bytes.reduce((a, b) => a + b, 0);
  const bytesSent = collective === "allReduce" ? (2 * whole * (size - 1)) / size : whole * (size - 1);
  return { group, collective, calls: bytes.length, bytesSent };
}

/** What each operation communicates along every axis, forward and with its gradient. */
function expected(
  axes: readonly string[],
  size: number,
): Readonly<Record<string, readonly [LedgerTotal[], LedgerTotal[]]>> {
  const along = (collective: LedgerTotal["collective"], ...bytes: number[]): LedgerTotal[] =>
    axes.map((axis) => calls(axis, collective, size, bytes));
  // Partial sums along several axes are reduced over all of them at once.
  const reduced = calls(axes.join("+"), "allReduce", size ** axes.length, [ROW]);
  const inward = (totals: readonly LedgerTotal[]): LedgerTotal[] => totals.toReversed();
  return {
    softmax: [
      along("allReduce", ROW, ROW),
      axes.length === 1 ? along("allReduce", ROW, ROW, ROW) : [...along("allReduce", ROW, ROW), reduced],
    ],
    layerNorm: [
      inward(along("allGather", 4 + 2 * ROW)),
      [...inward(along("allGather", 4 + 2 * ROW)), ...along("allReduce", 2 * ROW)],
    ],
    rmsNorm: [along("allReduce", ROW), along("allReduce", ROW, ROW)],
    cumsum: [inward(along("allGather", ROW)), inward(along("allGather", ROW, ROW))],
    topK: [inward(along("allGather", 3 * 2 * ROW)), inward(along("allGather", 3 * 2 * ROW))],
    argMax: [inward(along("allGather", 2 * ROW)), inward(along("allGather", 2 * ROW))],
  };
}

function checkDense(facts: Facts): void {
  for (const { outputs, gradients, leaked } of Object.values(facts)) {
    // Sums of 2501 float32 terms in another order.
    expect(outputs).toBeLessThan(5e-6);
    expect(gradients).toBeLessThan(5e-6);
    expect(leaked).toEqual(NOTHING);
  }
}

describe.each([
  [{ tp: 2 }, 2],
  [{ tp: 4 }, 4],
  [{ dp: 2, tp: 2 }, 2],
] as const)("a dim that is split over all axes of %o", (mesh, size) => {
  test("stays split, and its rows are joined by collectives of the size of a row's results", async () => {
    const axes = Object.keys(mesh);
    for (const facts of await runOn(mesh)) {
      checkDense(facts);
      for (const [name, [forward, whole]] of Object.entries(expected(axes, size))) {
        expect([name, facts[name]!.forward]).toEqual([name, forward]);
        expect([name, facts[name]!.whole]).toEqual([name, whole]);
        expect(facts[name]!.placement).toBe(["topK", "argMax"].includes(name) ? "Replicate()" : "Shard(1)");
      }
    }
  });
});

test("pieces of a split dim are exchanged in one all-to-all of what changes ranks, and so are their gradients", async () => {
  for (const { pieces } of await runOn({ tp: 2 })) {
    // Of 0..1699 rank 0 gives 850..1250 to rank 1, of 1700..2500 rank 1 gives 1700..2100 to rank 0: 401 of 7 rows each.
    const bytesSent = 401 * ROW;
    expect(pieces!.forward).toEqual([{ group: "tp", collective: "allToAll", calls: 1, bytesSent }]);
    expect(pieces!.whole).toEqual([
      { group: "tp", collective: "allToAll", calls: 2, bytesSent: 2 * bytesSent },
    ]);
    expect(pieces!.placement).toBe("Shard(1)");
  }
});
