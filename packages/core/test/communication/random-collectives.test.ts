import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createThreadsArena } from "../../src/transport/threads/arena.ts";
import type { Step } from "./collective-steps.ts";
import { RankThreads } from "./rank-threads.ts";

const RANKS = 4;

let threads: RankThreads;
beforeAll(() => {
  threads = new RankThreads(RANKS);
});
afterAll(async () => {
  await threads.close();
});

const dtype = fc.constantFrom("float32", "int32", "bool");
const op = fc.constantFrom("sum", "max", "min", "avg");
/** Most arrays are small; some need several pieces of the 1 KiB slots below. */
const length = fc.oneof({ weight: 3, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.nat(1_500) });
const subgroup = fc.subarray([0, 1, 2, 3], { minLength: 1 });

const step: fc.Arbitrary<Step> = subgroup.chain((ranks): fc.Arbitrary<Step> => {
  const n = ranks.length;
  const base = { ranks: fc.constant(ranks), dtype };
  const position = fc.nat(n - 1);
  const counts = fc.array(length, { minLength: n, maxLength: n });
  const steps: fc.Arbitrary<Step>[] = [
    fc.record({ ...base, kind: fc.constant("allReduce"), length, op }),
    fc.record({ ...base, kind: fc.constant("allGather"), counts }),
    fc.record({ ...base, kind: fc.constant("reduceScatter"), counts, op }),
    fc.record({
      ...base,
      kind: fc.constant("allToAll"),
      counts: fc.array(counts, { minLength: n, maxLength: n }),
    }),
    fc.record({ ...base, kind: fc.constant("broadcast"), length, root: position }),
    fc.record({ ...base, kind: fc.constant("barrier") }),
  ];
  if (n > 1) {
    const message = fc.record({
      ...{ ...base, kind: fc.constant("message"), length, from: position },
      ...{ to: position, tag: fc.nat(2) },
    });
    steps.push(message.filter(({ from, to }) => from !== to));
  }
  return fc.oneof(...steps);
});

test("random sequences of collectives over random subgroups equal plain loops", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const arena = createThreadsArena({ ranks: RANKS, chunkBytes: 1024, mailboxBytes: 1024 });
      expect((await threads.run({ ranks: RANKS, arena }, "steps", steps)).flat()).toEqual([]);
    }),
    { seed: 20261124, numRuns: 60 },
  );
});
