import { describe, expect, expectTypeOf, test } from "vitest";
import { checkAxes, coordinateOf, type DeviceMesh } from "./mesh.ts";

describe("DeviceMesh", () => {
  test("the last axis varies fastest", () => {
    expect([0, 1, 2, 3, 4, 5].map((rank) => coordinateOf([2, 3], rank))).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
  });

  test("a misspelt axis does not compile, and any mesh with the axis is accepted", () => {
    type Mesh = DeviceMesh<{ readonly dp: 2; readonly tp: 4 }>;
    expectTypeOf<Parameters<Mesh["sizeOf"]>[0]>().toEqualTypeOf<"dp" | "tp">();
    expectTypeOf<Mesh>().toExtend<DeviceMesh<{ readonly tp: number }>>();
    expectTypeOf<Mesh>().toExtend<DeviceMesh>();
    expectTypeOf<DeviceMesh<{ readonly dp: 2 }>>().not.toExtend<DeviceMesh<{ readonly tp: number }>>();
  });
});

describe("checkAxes", () => {
  test("says both numbers and the fix where mesh and world differ", () => {
    expect(() => {
      checkAxes({ dp: 2, tp: 3 }, 4);
    }).toThrow(
      "createMesh: mesh of 6 ranks (dp 2 x tp 3) must have as many ranks as the world (4); use axis sizes whose product is 4, or start 6 ranks.",
    );
  });

  test.each([0, -1, 1.5, Number.NaN])("rejects axis size %d", (size) => {
    expect(() => {
      checkAxes({ tp: size }, 1);
    }).toThrow(
      `createMesh: axis "tp" (${size}) must be a positive integer; use 1 for an axis without parallelism.`,
    );
  });

  test("rejects a mesh without axes", () => {
    expect(() => {
      checkAxes({}, 1);
    }).toThrow("createMesh: axes ({}) must name at least one axis; use { tp: 1 }.");
  });
});
