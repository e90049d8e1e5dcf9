import { expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { philoxKey } from "./key.ts";

test("the key is the start of SHA-256 of 'seed:name'", () => {
  // printf '1:head.weight' | sha256sum  ->  cd21b970d5ec37c5...
  expect(philoxKey({ seed: 1, name: "head.weight" })).toEqual([0x70b921cd, 0xc537ecd5]);
});

test("seed and name both matter, and do not run into each other", () => {
  const keys = [
    philoxKey({ seed: 1, name: "a" }),
    philoxKey({ seed: 2, name: "a" }),
    philoxKey({ seed: 1, name: "b" }),
    philoxKey({ seed: 1, name: "1:a" }),
    philoxKey({ seed: 11, name: "a" }),
  ];
  expect(new Set(keys.map((key) => key.join())).size).toBe(keys.length);
});

test.each([-1, 0.5, NaN, 2 ** 53])("seed %d is refused", (seed) => {
  expect(() => philoxKey({ seed, name: "a" })).toThrow(
    new ContractError(
      `philoxKey: seed (${seed}) must be an integer from 0 to 2^53 - 1; use for example seed: 1.`,
    ),
  );
});
