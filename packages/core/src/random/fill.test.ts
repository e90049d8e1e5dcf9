import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { fillNormal, fillUniform } from "./fill.ts";
import { philoxKey } from "./key.ts";
import { philox4x32 } from "./philox.ts";
import { elementCount, forEachRun, wholeRegion, type Region } from "./region.ts";

const stream = { seed: 3, name: "layer.weight" };

/** A random box of a random tensor of 1 to 4 dims, empty boxes included. */
const regions: fc.Arbitrary<Region> = fc
  .array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat({ max: 3 })), { minLength: 1, maxLength: 4 })
  .map((dims) => ({
    offset: dims.map(([start]) => start),
    localShape: dims.map(([, size]) => size),
    globalShape: dims.map(([start, size, rest]) => start + size + rest),
  }));

/** The box cut out of the whole, element by element. */
function slice(full: Float32Array, { globalShape, localShape, offset }: Region): Float32Array {
  return Float32Array.from({ length: elementCount(localShape) }, (_, local) => {
    let rest = local;
    let global = 0;
    let stride = 1;
    for (let dim = localShape.length - 1; dim >= 0; dim--) {
      global += ((rest % localShape[dim]!) + offset[dim]!) * stride;
      rest = Math.floor(rest / localShape[dim]!);
      stride *= globalShape[dim]!;
    }
    return full[global]!;
  });
}

describe.each([
  {
    kind: "fillUniform",
    fill: (out: Float32Array, region: Region) => {
      fillUniform(out, { ...stream, ...region, bound: 0.7 });
    },
  },
  {
    kind: "fillNormal",
    fill: (out: Float32Array, region: Region) => {
      fillNormal(out, { ...stream, ...region, std: 0.7 });
    },
  },
])("$kind", ({ kind, fill }) => {
  test("fills any region with the bits of the whole tensor's slice", () => {
    fc.assert(
      fc.property(regions, (region) => {
        const full = new Float32Array(elementCount(region.globalShape));
        fill(full, wholeRegion(region.globalShape));
        const local = new Float32Array(elementCount(region.localShape));
        fill(local, region);
        expect(local).toEqual(slice(full, region));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test("long runs cross the pieces in which words are made", () => {
    const shape = [5003];
    const full = new Float32Array(5003);
    fill(full, wholeRegion(shape));
    const tail = new Float32Array(4999);
    fill(tail, { globalShape: shape, localShape: [4999], offset: [3] });
    expect(tail).toEqual(full.subarray(3, 5002));
    expect(new Set(full).size).toBeGreaterThan(4990);
  });

  test("refuses an array of the wrong length and a region outside the tensor", () => {
    expect(() => {
      fill(new Float32Array(5), wholeRegion([2, 3]));
    }).toThrow(
      new ContractError(
        `${kind}: out (5 elements) must hold localShape ([2, 3], 6 elements); use new Float32Array(6).`,
      ),
    );
    expect(() => {
      fill(new Float32Array(6), { globalShape: [2, 5], localShape: [2, 3], offset: [0, 3] });
    }).toThrow(
      new ContractError(
        `${kind}: dim 1 of the region (3 to 6) must lie inside the global size (5); use the layout of the tensor.`,
      ),
    );
    expect(() => {
      fill(new Float32Array(6), { globalShape: [2, 5], localShape: [6], offset: [0] });
    }).toThrow(
      new ContractError(
        `${kind}: localShape ([6]) and offset ([0]) must have one entry per dim of globalShape ([2, 5]); use the layout of the tensor.`,
      ),
    );
  });
});

test("fillUniform follows its formula", () => {
  const out = new Float32Array(6);
  fillUniform(out, { ...stream, ...wholeRegion([2, 3]), bound: 0.25 });
  const key = philoxKey(stream);
  const words = [...philox4x32([0, 0, 0, 0], key), ...philox4x32([1, 0, 0, 0], key)];
  expect([...out]).toEqual(
    words.slice(0, 6).map((w) => Math.fround(0.25 * ((2 * Math.floor(w / 256)) / 2 ** 24 - 1))),
  );
});

test("fillNormal has the moments of the normal distribution", () => {
  const count = 200_000;
  const out = new Float32Array(count);
  fillNormal(out, { ...stream, ...wholeRegion([count]), std: 2 });
  const moment = (power: number): number => out.reduce((sum, x) => sum + (x / 2) ** power, 0) / count;
  // Five standard errors of each sample moment: sqrt(1 / n), sqrt(2 / n), sqrt(15 / n), sqrt(96 / n).
  expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / count));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / count));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  // The halves of a pair are independent.
  let product = 0;
  for (let i = 0; i < count; i += 2) product += (out[i]! * out[i + 1]!) / 4;
  expect(Math.abs(product / (count / 2))).toBeLessThan(5 / Math.sqrt(count / 2));
});

test("fillUniform covers [-bound, bound) evenly", () => {
  const count = 200_000;
  const out = new Float32Array(count);
  fillUniform(out, { ...stream, ...wholeRegion([count]), bound: 3 });
  const bins = new Array<number>(10).fill(0);
  for (const x of out) {
    const bin = Math.floor(((x + 3) / 6) * 10);
    bins[bin] = bins[bin]! + 1;
  }
  // Chi-squared with 9 degrees of freedom: 33.7 is exceeded with probability 1e-4; the stream is fixed.
  const expected = count / 10;
  expect(bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(33.7);
  expect(bins).toHaveLength(10);
});

describe("forEachRun", () => {
  const runs = (region: Region): number[][] => {
    const found: number[][] = [];
    forEachRun(region, (...run) => found.push(run));
    return found;
  };

  test("joins whole trailing dims into one run", () => {
    expect(runs({ globalShape: [4, 3, 5], localShape: [2, 3, 5], offset: [1, 0, 0] })).toEqual([[15, 0, 30]]);
  });

  test("gives one run per row of a column block", () => {
    expect(runs({ globalShape: [2, 2, 5], localShape: [2, 2, 3], offset: [0, 0, 2] })).toEqual([
      [2, 0, 3],
      [7, 3, 3],
      [12, 6, 3],
      [17, 9, 3],
    ]);
  });

  test("gives one run for a scalar and none for an empty shard", () => {
    expect(runs(wholeRegion([]))).toEqual([[0, 0, 1]]);
    expect(runs({ globalShape: [3, 2], localShape: [0, 2], offset: [3, 0] })).toEqual([]);
  });
});
