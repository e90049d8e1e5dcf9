import { createWorld, type LedgerTotal, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/autograd.ts";
import type { AutogradResult } from "./programs/autograd.ts";

const PROGRAM = new URL("./programs/autograd.ts", import.meta.url);
const NOTHING = { numTensors: 0, numDataBuffers: 0, numDataIds: 0, numEngineDataIds: 0, liveBytes: 0 };
/** `[3, 6]` float32. */
const BYTES = 4 * 3 * 6;

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 3 });
});
afterAll(() => world.close());

describe.each([2, 3])("a tensor-parallel norm and MLP on tp = %i", (tp) => {
  let ranks: readonly AutogradResult[];

  beforeAll(async () => {
    ranks = await world.run<typeof program>(PROGRAM, { mesh: { tp } }, { ranks: tp });
  });

  const allReduces = (calls: number): LedgerTotal[] =>
    calls === 0
      ? []
      : [{ group: "tp", collective: "allReduce", calls, bytesSent: (calls * 2 * BYTES * (tp - 1)) / tp }];

  test("has the gradients of tf.grads through vjp, 4 micro-batches in flight, bit for bit", () => {
    for (const { expected, found } of ranks) {
      expect(Object.keys(expected[0]!)).toHaveLength(1 + 2 + 4);
      expect(found.vjp).toEqual(expected);
    }
  });

  test("has them through a checkpoint too", () => {
    for (const { expected, found } of ranks) expect(found.checkpoint).toEqual(expected);
  });

  test("has the same gradients on all ranks", () => {
    for (const { found } of ranks) expect(found).toEqual(ranks[0]!.found);
  });

  test("communicates with the inputs, not with the parameters", () => {
    for (const { communication, reference } of ranks) {
      expect(communication.vjp).toEqual({ forward: allReduces(1), inputs: allReduces(1), parameters: [] });
      expect(reference).toEqual(allReduces(2));
    }
  });

  test("communicates once more where the checkpoint recomputes", () => {
    for (const { communication } of ranks) {
      expect(communication.checkpoint).toEqual({
        forward: allReduces(1),
        inputs: allReduces(2),
        parameters: [],
      });
    }
  });

  test("holds its part of the activations, a checkpoint only the input", () => {
    ranks.forEach(({ saved }, rank) => {
      // 10 hidden features: 5 and 5, or 4, 4 and 2.
      const hidden = (tp === 2 ? [5, 5] : [4, 4, 2])[rank]!;
      // Input, its mean and rstd, normed input and sum [3, 6]; hidden before and after gelu.
      const whole = 3 * BYTES + 2 * 4 * 3;
      expect(saved).toEqual({
        vjp: [whole + 2 * 4 * 3 * 10, whole + 2 * 4 * 3 * hidden],
        checkpoint: [BYTES, BYTES],
      });
    });
  });

  test("leaves nothing behind, pulled back or given up between the steps", () => {
    for (const { growths } of ranks) expect(growths).toEqual([NOTHING, NOTHING, NOTHING]);
  });
});
