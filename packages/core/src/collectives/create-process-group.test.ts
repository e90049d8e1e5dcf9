import { describe, expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { createThreadsArena } from "../transport/threads/arena.ts";
import { attachThreads } from "../transport/threads/attach.ts";
import { createLedger } from "./create-ledger.ts";
import { createProcessGroup } from "./create-process-group.ts";
import type { ProcessGroup } from "./process-group.ts";

/** Rank 1 of a group of 3 whose other ranks do not exist: arguments are checked before anything is communicated. */
function rankOneOfThree(): ProcessGroup {
  const transport = attachThreads(createThreadsArena({ ranks: 3 }), 1);
  return createProcessGroup(transport, [0, 1, 2], { name: "tp", ledger: createLedger() });
}

describe("Wrong arguments", () => {
  const group = rankOneOfThree();
  const floats = (length: number): Float32Array => new Float32Array(length);
  test.each<[string, () => unknown, string]>([
    [
      "a dtype that cannot be moved",
      () => group.allReduce(new Float64Array(3) as never),
      'allReduce (group "tp"): buffer (Float64Array) must be a Float32Array, Int32Array or Uint8Array (bool); use Float32Array.from(buffer).',
    ],
    [
      "a length that does not divide",
      () => group.reduceScatter(floats(7)),
      'reduceScatter (group "tp"): the length of send (7) must be divisible by the number of ranks (3); use counts for uneven pieces.',
    ],
    [
      "counts with another sum",
      () => group.reduceScatter(floats(7), { counts: [1, 2, 5] }),
      'reduceScatter (group "tp"): counts ([1, 2, 5], sum 8) must add up to the length of send (7); use counts of elements, not bytes.',
    ],
    [
      "counts for other ranks",
      () => group.reduceScatter(floats(7), { counts: [3, 4] }),
      'reduceScatter (group "tp"): counts (2 entries) must have one entry per rank (3); use 0 for ranks without elements.',
    ],
    [
      "a negative count",
      () => group.reduceScatter(floats(7), { counts: [9, -2, 0] }),
      'reduceScatter (group "tp"): counts (-2) must hold non-negative integers; use lengths in elements.',
    ],
    [
      "a count that is not this rank's length",
      () => group.allGather(floats(2), { counts: [2, 3, 4] }),
      'allGather (group "tp"): send (2 elements) must have the length counts[1] (3) of this rank; use the same counts on every rank.',
    ],
    [
      "a receiver that is too small",
      () => group.allGather(floats(2), { into: floats(5) }),
      'allGather (group "tp"): into (5 elements) must have the length of the result (6); use into.subarray(0, 6) of a large enough array.',
    ],
    [
      "a receiver of another dtype",
      () => group.allGather<Float32Array | Int32Array>(floats(2), { into: new Int32Array(6) }),
      'allGather (group "tp"): into (int32) must have the dtype of send (float32); use an array of the same type.',
    ],
    [
      "a receiver that overlaps",
      () => {
        const all = floats(6);
        return group.allGather(all.subarray(0, 2), { into: all });
      },
      'allGather (group "tp"): into (bytes 0 to 24 of a buffer) must not overlap send (bytes 0 to 8 of the same one); use another array.',
    ],
    [
      "a receiver of another length than what is reduced",
      () => group.allReduce(floats(4), { into: floats(3) }),
      'allReduce (group "tp"): into (3 elements) must have the length of the result (4); use into.subarray(0, 4) of a large enough array.',
    ],
    [
      "a receiver that overlaps what is reduced",
      () => {
        const all = floats(5);
        return group.allReduce(all.subarray(0, 3), { into: all.subarray(2) });
      },
      'allReduce (group "tp"): into (bytes 8 to 20 of a buffer) must not overlap send (bytes 0 to 12 of the same one); use another array.',
    ],
    [
      "half of the counts of an all-to-all",
      () => group.allToAll(floats(6), { sendCounts: [1, 2, 3] }),
      'allToAll (group "tp"): receiveCounts (missing) must be given together with sendCounts; use an allToAll of the counts to exchange them.',
    ],
    [
      "a kept piece of two lengths",
      () => group.allToAll(floats(6), { sendCounts: [1, 2, 3], receiveCounts: [1, 1, 1] }),
      'allToAll (group "tp"): sendCounts[1] (2) must equal receiveCounts[1] (1), the piece that this rank keeps; use the same number.',
    ],
    [
      "a root outside of the group",
      () => group.broadcast(floats(2), { root: 3 }),
      'broadcast (group "tp"): root (3) must be a position in the group of 3; use 0 to 2.',
    ],
    [
      "itself as partner",
      () => {
        group.send(floats(2), 1);
      },
      'send (group "tp"): to (1) must be another rank than this one (1); use the array itself.',
    ],
    [
      "a fractional tag",
      () => group.receive(floats(2), 0, { tag: 0.5 }),
      'receive (group "tp"): tag (0.5) must be an integer from 0 to 2147483647; use small numbers.',
    ],
  ])("%s is an error", (_, call, message) => {
    expect(call).toThrow(new ContractError(message));
  });
});

describe("Creating a group", () => {
  const transport = attachThreads(createThreadsArena({ ranks: 3 }), 1);
  test.each([
    [[1, 0], "ranks ([1, 0]) must be different ranks of the world in ascending order; use 0 to 2."],
    [[1, 1], "ranks ([1, 1]) must be different ranks of the world in ascending order; use 0 to 2."],
    [[1, 3], "ranks ([1, 3]) must be different ranks of the world in ascending order; use 0 to 2."],
    [[0, 2], "ranks ([0, 2]) must hold the calling rank (1); create a group only on its members."],
  ])("of ranks %j is an error", (ranks, message) => {
    expect(() => createProcessGroup(transport, ranks, { name: "dp", ledger: createLedger() })).toThrow(
      new ContractError(`createProcessGroup ("dp"): ${message}`),
    );
  });

  test("with a time limit that is not positive is an error", () => {
    const options = { name: "dp", ledger: createLedger(), timeoutMs: 0 };
    expect(() => createProcessGroup(transport, [1], options)).toThrow(
      'createProcessGroup ("dp"): timeoutMs (0) must be positive; use Infinity to wait for ever.',
    );
  });
});

test("a group of one rank copies, and is not in the ledger", () => {
  const ledger = createLedger();
  const transport = attachThreads(createThreadsArena({ ranks: 3 }), 1);
  const group = createProcessGroup(transport, [1], { name: "tp", ledger });
  const send = Int32Array.of(4, 5);
  expect(group.allReduce(send, { op: "avg" })).toBe(send);
  expect(group.broadcast(send)).toBe(send);
  const into = new Int32Array(2);
  expect(group.allReduce(send, { into })).toBe(into);
  expect(into).toEqual(send);
  expect(group.allReduce(send, { into: send })).toBe(send);
  for (const result of [group.allGather(send), group.reduceScatter(send), group.allToAll(send)]) {
    expect(result).toEqual(send);
    expect(result).not.toBe(send);
  }
  group.barrier();
  expect(ledger.totals()).toEqual([]);
});
