import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { axisCost, checkCosts, DEFAULT_AXIS_COST, groupCost, latencyBytes } from "./mesh-costs.ts";

describe("mesh costs", () => {
  const mesh = { axisNames: ["dp", "tp"], costs: { dp: { bandwidth: 1e9, latencyMs: 0.001 } } };

  test("are the default for an axis that has none", () => {
    expect(axisCost(mesh, 0)).toEqual({ bandwidth: 1e9, latencyMs: 0.001 });
    expect(axisCost(mesh, 1)).toBe(DEFAULT_AXIS_COST);
  });

  test("of several axes are the slower latency and the slower bandwidth", () => {
    expect(groupCost(mesh, [0, 1])).toEqual({ bandwidth: 1e9, latencyMs: DEFAULT_AXIS_COST.latencyMs });
  });

  test("weigh a latency in bytes", () => {
    expect(latencyBytes(mesh, 0)).toBe(1000);
    expect(latencyBytes(mesh, 1)).toBe(8000);
  });

  test.each([
    [
      { pp: { bandwidth: 1, latencyMs: 1 } },
      'createMesh: costs of axis ("pp") must be of an axis of the mesh; use one of "dp", "tp".',
    ],
    [
      { tp: { bandwidth: -2, latencyMs: 1 } },
      "createMesh: costs.tp.bandwidth (-2) must be a positive number of bytes per second; use measureMeshCosts(mesh).",
    ],
    [
      { dp: { bandwidth: 1, latencyMs: NaN } },
      "createMesh: costs.dp.latencyMs (NaN) must be a number of milliseconds, 0 or more; use measureMeshCosts(mesh).",
    ],
  ])("that are wrong are an error: %j", (costs, message) => {
    expect(() => {
      checkCosts("createMesh", mesh.axisNames, costs);
    }).toThrow(new ContractError(message));
  });
});
