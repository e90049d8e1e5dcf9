import { afterEach, beforeEach, expect, test } from "vitest";
import { nextCallIndex } from "../autograd/call-index.ts";
import { createSeededRandom } from "../runtime/seeded-random.ts";
import { Dropout } from "./dropout.ts";
import { randomState, restoreRandomState } from "./random-state.ts";

const own = Math.random;
beforeEach(() => {
  Math.random = createSeededRandom(3);
});
afterEach(() => {
  Math.random = own;
});

function model(): { readonly dropout: Dropout; readonly blocks: readonly { readonly dropout: Dropout }[] } {
  const make = (name: string): Dropout => new Dropout({ rate: 0.5, seed: 1, name });
  return { dropout: make("dropout"), blocks: [{ dropout: make("a") }, { dropout: make("b") }] };
}

test("the state of random layers and of Math.random survives JSON", () => {
  const first = model();
  for (let i = 0; i < 3; i++) nextCallIndex(first.blocks[1]!.dropout);
  nextCallIndex(first.dropout);
  Math.random();
  const state = JSON.parse(JSON.stringify(randomState(first))) as ReturnType<typeof randomState>;
  expect(state.callIndices).toEqual({ dropout: 1, "blocks.0.dropout": 0, "blocks.1.dropout": 3 });
  const next = [Math.random(), Math.random()];

  Math.random = createSeededRandom(4);
  const second = model();
  restoreRandomState(second, state);
  expect([Math.random(), Math.random()]).toEqual(next);
  expect(second.blocks.map(({ dropout }) => dropout.callIndex)).toEqual([0, 3]);
  expect(second.dropout.callIndex).toBe(1);
});

test("layers that the state does not name, and another Math.random, stay as they are", () => {
  const other = model();
  other.dropout.callIndex = 7;
  Math.random = own;
  restoreRandomState(other, { callIndices: { "blocks.0.dropout": 2 }, mathRandom: [1, 2, 3, 4] });
  expect(other.dropout.callIndex).toBe(7);
  expect(other.blocks[0]!.dropout.callIndex).toBe(2);
  expect(Math.random).toBe(own);
  expect(randomState(other).mathRandom).toBeNull();
});
