import { describe, expect, test } from "vitest";
import { compareWithDense, type NamedValues } from "./compare-with-dense.ts";

const mesh = { tp: 2 };

/** The difference of `x` where the dense twin returns `dense` and the two ranks return `first` and `second`. */
function difference(dense: readonly number[], [first, second]: readonly (readonly number[])[]): number {
  const named = (values: readonly number[]): NamedValues => ({
    x: { shape: [values.length], values: Float32Array.from(values) },
  });
  const ranks = [named(first!), named(second!)];
  const [comparison] = compareWithDense(named(dense), { mesh, ranks, magnitudeFloor: 0.5 });
  expect(comparison).toMatchObject({ mesh, name: "x" });
  return comparison!.difference;
}

describe("compareWithDense", () => {
  test("takes the worst element of the worst rank, relative to the largest dense magnitude", () => {
    const dense = [1, -4, 2];
    expect(difference(dense, [dense, dense])).toBe(0);
    expect(difference(dense, [dense, [1.5, -4, 3]])).toBe(0.25);
    expect(difference(dense, [[1, -4.5, 2], dense])).toBe(0.125);
  });

  test("compares small magnitudes with the floor", () => {
    expect(
      difference(
        [0.125, 0],
        [
          [0.125, 0.25],
          [0, 0],
        ],
      ),
    ).toBe(0.5);
  });

  test("finds a NaN, and an infinity, on one side only", () => {
    expect(
      difference(
        [1, 2],
        [
          [1, 2],
          [NaN, 2],
        ],
      ),
    ).toBe(Infinity);
    expect(
      difference(
        [1, NaN, 3],
        [
          [1, NaN, 3],
          [1, 2, 3],
        ],
      ),
    ).toBe(Infinity);
    expect(
      difference(
        [1, Infinity],
        [
          [1, -Infinity],
          [1, Infinity],
        ],
      ),
    ).toBe(Infinity);
  });

  test("takes for equal what is the same on both sides, and still sees the rest", () => {
    const dense = [1, NaN, -Infinity, 2];
    expect(difference(dense, [dense, dense])).toBe(0);
    expect(difference(dense, [dense, [1.5, NaN, -Infinity, 2]])).toBe(0.25);
  });

  test("demands the names and shapes of the dense twin", () => {
    const dense: NamedValues = { x: { shape: [2, 3], values: new Float32Array(6) } };
    const compare = (values: NamedValues) => () =>
      compareWithDense(dense, { mesh, ranks: [dense, values], magnitudeFloor: 1 });
    expect(compare({ x: { shape: [3, 2], values: new Float32Array(6) } })).toThrow(
      'verifyParallel: "x" on {"tp":2} (shape [3, 2]) must have the dense shape [2, 3]; return the same global values on every mesh.',
    );
    expect(compare({})).toThrow(
      'verifyParallel: "x" on {"tp":2} (shape missing) must have the dense shape [2, 3]; return the same global values on every mesh.',
    );
    expect(compare({ ...dense, y: { shape: [1], values: new Float32Array(1) } })).toThrow(
      'verifyParallel: "y" on {"tp":2} (shape [1]) must have the dense shape, but the dense twin returns no such value; return the same global values on every mesh.',
    );
  });
});
