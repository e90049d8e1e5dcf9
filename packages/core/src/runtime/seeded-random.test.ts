import { expect, test } from "vitest";
import { createSeededRandom, isSeededRandom } from "./seeded-random.ts";

function draws(seed: number, count: number): number[] {
  return Array.from({ length: count }, createSeededRandom(seed));
}

test("a seed gives the same numbers every time, and another seed others", () => {
  expect(draws(5, 4)).toEqual(draws(5, 4));
  const firsts = Array.from({ length: 1000 }, (_, seed) => draws(seed, 1)[0]);
  expect(new Set(firsts).size).toBe(1000);
});

test("numbers lie in [0, 1) and fill it evenly", () => {
  const numbers = draws(0, 20_000);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  const counts = new Array<number>(10).fill(0);
  for (const number of numbers) counts[Math.floor(number * 10)]! += 1;
  // Standard deviation of a bin is 42; five of them.
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(212);
});

test("a restored state goes on with the same numbers", () => {
  const first = createSeededRandom(7);
  for (let i = 0; i < 5; i++) first();
  const state = JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>;
  const next = [first(), first(), first()];
  const second = createSeededRandom(8);
  second.restore(state);
  expect([second(), second(), second()]).toEqual(next);
  expect(isSeededRandom(second)).toBe(true);
  expect(isSeededRandom(Math.random)).toBe(false);
});
