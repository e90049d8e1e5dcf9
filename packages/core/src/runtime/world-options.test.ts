import { expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { rankSettings, type WorldOptions } from "./world-options.ts";

test("defaults are filled in", () => {
  expect(rankSettings("x", { ranks: 3, checked: undefined })).toEqual({
    ranks: 3,
    engine: "auto",
    threadsPerRank: undefined,
    checked: false,
    timeoutMs: 300_000,
    seed: 0,
    deterministic: false,
  });
});

test.each<[Partial<WorldOptions>, string]>([
  [{ ranks: 1.5 }, "ranks (1.5) must be a positive integer; use 1 or more."],
  [
    { timeoutMs: 0 },
    "timeoutMs (0) must be a positive number of milliseconds; use 300000, or Infinity to wait for ever.",
  ],
  [{ threadsPerRank: 0 }, "threadsPerRank (0) must be a positive integer; use 1 or more."],
  [{ seed: 0.5 }, "seed (0.5) must be an integer; use 0."],
])("%j is refused", (wrong, message) => {
  expect(() => rankSettings("createWorld", { ranks: 1, ...wrong })).toThrow(
    new ContractError(`createWorld: ${message}`),
  );
});

test("all problems are listed at once", () => {
  // A JavaScript caller may pass anything.
  const options = JSON.parse('{ "ranks": -2, "engine": "steam" }') as WorldOptions;
  expect(() => rankSettings("createWorld", options)).toThrow(
    new ContractError(
      'createWorld:\n- ranks (-2) must be a positive integer; use 1 or more.\n- engine (steam) must be one of auto, tensorflow, wasm, cpu; use "auto".',
    ),
  );
});
