import { createWorld, type LedgerTotal } from "@meshwright/core";
import { verifyParallel } from "@meshwright/sharding";
import { describe, expect, test } from "vitest";
import type communication from "./programs/local-map-communication.ts";
import type { LocalMapCommunication } from "./programs/local-map-communication.ts";
import type errorProgram from "./programs/local-map-errors.ts";

const PROGRAM = new URL("./programs/local-map.ts", import.meta.url);
const COMMUNICATION = new URL("./programs/local-map-communication.ts", import.meta.url);
const ERROR_PROGRAM = new URL("./programs/local-map-errors.ts", import.meta.url);
/** Five worlds in one test, and a loaded machine; a hang limit, not a bound on time. */
const HANG_MS = 300_000;

describe("local code", () => {
  test(
    "has the values and gradients of its dense twin, and leaves nothing, on 1-D and 2-D meshes",
    async () => {
      const comparisons = await verifyParallel(PROGRAM, {
        meshes: [{ tp: 2 }, { tp: 3 }, { tp: 4 }, { dp: 2, tp: 2 }],
        // Sums of at most 35 terms in another order.
        tolerance: 2e-6,
      });
      const leaks = comparisons.filter(({ name }) => name.endsWith(": leak"));
      expect(leaks.map(({ difference }) => difference)).toEqual(new Array(4 * 14).fill(0));
    },
    HANG_MS,
  );
});

const RANKS = 3;
const ROWS = [2, 2, 1];
const [WIDTH, HEIGHT] = [3, 5];

/** What a rank that holds `rows` of 5 rows of 3 columns communicates per case: forward, backward, where its gradient lies. */
function expectedOf(
  rows: number,
): Record<string, readonly [forward: LedgerTotal[], backward: LedgerTotal[], gradient: string]> {
  const sent = (collective: LedgerTotal["collective"], bytesSent: number): LedgerTotal => ({
    ...{ group: "tp", collective, calls: 1, bytesSent },
  });
  const all = 4 * WIDTH * HEIGHT;
  const reduced = sent("allReduce", (2 * all * (RANKS - 1)) / RANKS);
  const gathered = sent("allGather", 4 * WIDTH * rows * (RANKS - 1));
  const scattered = sent("reduceScatter", all - 4 * WIDTH * rows);
  // Everything but the own column of the own rows goes away, and comes back.
  const exchanged = sent("allToAll", 4 * rows * (WIDTH - 1));
  const exchangedBack = sent("allToAll", 4 * (HEIGHT - rows));
  const shifted = [sent("receive", 0), sent("send", all)];
  return {
    nothing: [[], [], "Shard(0)"],
    "a gradient with constants of the local shape": [[], [], "Shard(0)"],
    // One all-gather of the two sizes, once: the second call knows them.
    "shapes asked for": [[sent("allGather", 2 * 4 * (RANKS - 1))], [], "Shard(0)"],
    "all-reduce": [[reduced], [reduced], "partial"],
    "summands returned": [[], [], "partial"],
    "all-gather": [[gathered], [scattered], "Shard(0)"],
    "reduce-scatter": [[scattered], [gathered], "partial"],
    "all-to-all": [[exchanged], [exchangedBack], "Shard(0)"],
    shift: [shifted, shifted, "partial"],
    "the same work": [[], [], "replicate"],
  };
}

/** Per collective, calls and bytes added up. */
function added(...lists: readonly (readonly LedgerTotal[])[]): LedgerTotal[] {
  const totals = new Map<string, LedgerTotal>();
  for (const total of lists.flat()) {
    const { calls = 0, bytesSent = 0 } = totals.get(total.collective) ?? {};
    totals.set(total.collective, {
      ...total,
      ...{ calls: calls + total.calls, bytesSent: bytesSent + total.bytesSent },
    });
  }
  return [...totals.values()].sort((a, b) => a.collective.localeCompare(b.collective));
}

async function communicate(checked: boolean): Promise<readonly LocalMapCommunication[]> {
  const world = await createWorld({ ranks: RANKS, checked });
  return world.run<typeof communication>(COMMUNICATION, {}).finally(() => world.close());
}

describe("local code on 3 ranks", () => {
  test("communicates what it says and its adjoint, and nothing at its edges", async () => {
    (await communicate(false)).forEach(({ cases }, rank) => {
      const expected = expectedOf(ROWS[rank]!);
      expect(Object.keys(cases)).toEqual(Object.keys(expected));
      for (const [name, { forward, whole, gradient }] of Object.entries(cases)) {
        const [there, back, placement] = expected[name]!;
        const again = name === "shapes asked for" ? [] : there;
        expect([name, added(forward), added(whole), gradient]).toEqual([
          name,
          added(there),
          added(again, back),
          placement,
        ]);
      }
    });
  });

  test("may hold other values on each rank in checked mode, but must agree where it says so", async () => {
    for (const { cases, disagreement } of await communicate(true)) {
      expect(Object.keys(cases)).toHaveLength(10);
      expect(disagreement).toBe(
        "ReplicaMismatchError: checked mode: output of localMap: float32[5, 3]: tp Replicate() must hold the same bits on ranks 0, 1, 2 (tp), but rank 1, 2 differs from rank 0; use the same values and seeds on every rank, or fromLocal for values that are meant to differ.",
      );
    }
  });
});

/** `{rows}` is the rank's number of rows, `{r}` the rank. */
const ERRORS: Readonly<Record<string, string>> = {
  "too few inputs":
    "localMap: inputs (2) must be as many as placements in options.in (1); use {} for an input that is replicated along all axes.",
  "input on another mesh":
    "localMap: input 0 (float32[5, 3]: dp Replicate(), mp Replicate()) must be on no mesh or on that of localMap ({ tp: 2 }), but it is on { dp: 1, mp: 2 }; use fromLocal(toLocal(full(t)), mesh, { ... }) to copy it over.",
  "in placement of a dim that is missing":
    "localMap: input 0: tp (Shard(2)) must name a dim of the tensor of shape [5, 3]; use a dim from -2 to 1.",
  "out placement of a dim that is missing":
    "localMap: output 0: tp (Shard(2)) must name a dim of the tensor of shape [{rows}, 3]; use a dim from -2 to 1.",
  "one tensor where a list is meant":
    "localMap: what the function returns (one tensor) must be as options.out says (a list of 1); use one placement per output, in a list for a list.",
  "more outputs than placements":
    "localMap: what the function returns (a list of 2) must be as options.out says (a list of 1); use one placement per output, in a list for a list.",
  "no tensor":
    "localMap: output 0 (object) must be a tensor, at once; use a function without await that returns tensors.",
  "a promise":
    "localMap: output 0 (a promise) must be a tensor, at once; use a function without await that returns tensors.",
  "a tensor of the mesh":
    "localMap: output 0 (float32[5, 3]: tp Shard(0)) must be a local tensor; use what the function was called with, and pass the tensors of the mesh that it needs as inputs.",
  "a tensor of the mesh in the middle":
    "Add: inputs (float32[{rows}, 3]: local Replicate() on { local: 1 } and float32[5, 3]: tp Shard(0) on { tp: 2 }) must share one mesh; use the local tensors that localMap gives, and pass whatever else is needed as an input.",
  "shape that is not the rank's part":
    "localMap: output 0 (local shape [{twice}, 3]) must be [{rows}, 3], rank {r}'s part of [5, 3]; use ceil(n / ranks) per rank, and options.outShapes where shapes depend on values.",
  "parts that are no chunks":
    "localMap: output 0 (local shape [{odd}, 3]) must be [{rows}, 3], rank {r}'s part of [5, 3]; use ceil(n / ranks) per rank, and options.outShapes where shapes depend on values.",
  "a dim that differs and is not split":
    "localMap: dim 1 of output 0 (1, 2 along tp) must have one size on all ranks, because it is not split there; use out: { tp: Shard(1) }, or make it the same.",
  "wrong number of shapes":
    "localMap: outShapes (0 shapes) must give one shape per output (1); use a list of global shapes.",
  "gradient of another shape":
    "localMap: gradient of input 0: tp (Replicate()) must fit a value that is Shard(0); use Shard(0), or leave it out for Shard(0).",
  "gradient of a maximum":
    'localMap: gradient of output 0: tp (Partial("max")) must fit a value that is Replicate(); use Replicate() or Partial("sum"), or leave it out for Partial("sum").',
  "collective on no axis":
    'localAllReduce: axis ("pt") must be an axis of the mesh ({ tp: 2 }); use one of "tp".',
  "collective of a tensor of the mesh":
    "localAllReduce: x (float32[5, 3]: tp Shard(0)) must be a local tensor; use it inside localMap, on what the function was called with or made of that.",
  "collective along no dim":
    "localAllGather: dim (2) must be a dim of the local tensor of shape [{rows}, 3]; use a dim from -2 to 1.",
  "no chunk":
    "localAllGather: dim 0 ({rows}) must be {chunk}, the chunk that position {r} of 2 holds of 9; use size for the whole dim and chunks of ceil(size / ranks).",
  "one dim twice":
    "localAllToAll: splitDim (1) must be another dim than concatDim (1); use tf.reshape to make two dims of one.",
  "half a step": "localShift: by (0.5) must be an integer; use 1 for the next rank.",
  "counts of other rows":
    "localExchangeRows: x (shape [{rows}, 3]) must have as many rows as sendCounts add up to (9); use the counts of the same rows.",
  "counts of other ranks":
    'localExchangeRows: receiveCounts (length 1) must hold one count per rank of axis "tp" (2); use an all-to-all of the counts to learn them.',
  "gradient through a maximum":
    'localAllReduce: op ("max") must be "sum" where it is differentiated; use it on values that no gradient is taken of.',
};

test("misuse of local code is an error that says where, what, the rule and the fix, and leaves nothing", async () => {
  const world = await createWorld({ ranks: 2 });
  const ranks = await world.run<typeof errorProgram>(ERROR_PROGRAM, {}).finally(() => world.close());
  ranks.forEach(({ errors, grown }, rank) => {
    const values = { rows: [3, 2], twice: [6, 4], odd: [1, 4], chunk: [5, 4], r: [0, 1] };
    const filled = Object.entries(ERRORS).map(([name, text]) => {
      const replaced = Object.entries(values).reduce(
        (current, [key, perRank]) => current.replaceAll(`{${key}}`, String(perRank[rank])),
        text,
      );
      return [name, `ContractError: ${replaced}`];
    });
    expect(errors).toEqual({ ...Object.fromEntries(filled), "nothing wrong": "nothing" });
    expect(new Set(Object.values(grown))).toEqual(new Set([0]));
  });
});
