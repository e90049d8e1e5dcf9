import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { NumericArray, ReduceOp } from "../transport.ts";
import { createThreadsArena } from "./arena.ts";
import { ArenaMemory } from "./arena-memory.ts";
import { ReduceKernels } from "./reduce-kernels.ts";

/** Reduces arrays of equal length, each copied into the slot of one rank. */
function reduce<T extends NumericArray>(op: ReduceOp, inputs: readonly T[]): T {
  const arena = createThreadsArena({ ranks: inputs.length });
  const memory = new ArenaMemory(arena);
  const first = inputs[0]!;
  const elements = memory.viewLike(first);
  const sources = Int32Array.from(inputs, (_, rank) => memory.slotData(rank, 0));
  const perWord = 4 / first.BYTES_PER_ELEMENT;
  inputs.forEach((input, rank) => {
    elements.set(input, sources[rank]! * perWord);
  });
  const target = memory.scratch(0);
  const range = { first: 0, count: first.length };
  new ReduceKernels(memory, 0, arena.memory).reduce(first, op, sources, target, range);
  return elements.slice(target * perWord, target * perWord + first.length) as T;
}

// 16 floats go through SIMD, the rest one by one: 19 covers both.
function repeated(values: readonly number[]): Float32Array {
  return Float32Array.from({ length: 19 }, (_, index) => values[index % values.length]!);
}

describe("Reduction kernels", () => {
  test("add floats in rank order", () => {
    const [a, b, c] = [1e8, 1, -1e8];
    const inOrder = Math.fround(Math.fround(a + b) + c);
    expect(reduce("sum", [repeated([a]), repeated([b]), repeated([c])])).toEqual(repeated([inOrder]));
    expect(reduce("sum", [repeated([a]), repeated([c]), repeated([b])])).toEqual(repeated([1]));
  });

  test("pass on NaN and tell the zeros apart", () => {
    const [a, b] = [repeated([NaN, 1, -0, 0]), repeated([2, NaN, 0, -0])];
    expect(reduce("max", [a, b])).toEqual(repeated([NaN, NaN, 0, 0]));
    expect(reduce("min", [a, b])).toEqual(repeated([NaN, NaN, -0, -0]));
    expect(reduce("sum", [a, b])).toEqual(repeated([NaN, NaN, 0, 0]));
  });

  test("wrap integer sums around, and average exactly toward zero", () => {
    const big = new Int32Array(7).fill(2_147_483_647);
    const three = new Int32Array(7).fill(3);
    expect(reduce("sum", [big, three])).toEqual(new Int32Array(7).fill(-2_147_483_646));
    expect(reduce("avg", [big, big, three])).toEqual(new Int32Array(7).fill(1_431_655_765));
    expect(reduce("avg", [new Int32Array(7).fill(-4), new Int32Array(7).fill(-3)])).toEqual(
      new Int32Array(7).fill(-3),
    );
    const bytes = new Uint8Array(21).fill(200);
    expect(reduce("sum", [bytes, bytes])).toEqual(new Uint8Array(21).fill(144));
    expect(reduce("avg", [bytes, bytes])).toEqual(new Uint8Array(21).fill(200));
    expect(reduce("max", [bytes, new Uint8Array(21).fill(7)])).toEqual(bytes);
  });

  test("are compiled from the present source", () => {
    const script = fileURLToPath(new URL("../../../scripts/build-reduce-wasm.mjs", import.meta.url));
    expect(() => execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" })).not.toThrow();
  });
});
