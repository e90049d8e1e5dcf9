import type { Topology } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "./placement.ts";
import type { PlacementSpec } from "./placement-spec.ts";
import { explainRedistribute } from "./redistribute/explain.ts";
import type { MeshCosts } from "./mesh-costs.ts";
import { CROSSING_AXIS_COST, linkCosts } from "./topology-costs.ts";

/** Latency (us) and bandwidth (GB/s) of each pair of ranks. */
type Figures = (low: number, high: number) => readonly [latencyUs: number, bandwidthGBps: number];

function measured(hosts: readonly string[], figures: Figures): Topology {
  return hosts.map((host, low) => ({
    host,
    pairs: hosts.slice(low + 1).map((_, i) => {
      const high = low + 1 + i;
      const [latencyUs, bandwidthGBps] = figures(low, high);
      return { ranks: [low, high] as const, latencyUs, bandwidthGBps };
    }),
  }));
}

const hosts = ["a", "a", "b", "b"];
const square = { axisNames: ["dp", "tp"], shape: [2, 2] };

describe("Speeds of axes", () => {
  test("are those of the slowest pair of any line", () => {
    const speeds: Readonly<Record<string, readonly [number, number]>> = {
      "0,1": [2, 4],
      "2,3": [3, 5],
      "0,2": [40, 0.5],
      "1,3": [30, 0.25],
      // No axis joins these.
      "0,3": [900, 0.001],
      "1,2": [900, 0.001],
    };
    const topology = measured(hosts, (low, high) => speeds[`${low},${high}`]!);
    expect(linkCosts(square, { hosts, topology, deterministic: true })).toEqual({
      // Both lines leave node a over its one link.
      dp: { bandwidth: 0.25e9 / 2, latencyMs: 0.04 },
      tp: { bandwidth: 4e9, latencyMs: 0.003 },
    });
  });

  test.each([
    [2, 0.01],
    [3, 0.02],
    [4, 0.02],
    [5, 0.03],
  ])("of %i ranks have the latency of the messages that one becomes", (size, latencyMs) => {
    const all = new Array<string>(size).fill("a");
    const grid = { axisNames: ["x", "one"], shape: [size, 1] };
    const costs = linkCosts(grid, {
      hosts: all,
      topology: measured(all, () => [10, 2]),
      deterministic: true,
    });
    expect(costs).toEqual({ x: { bandwidth: 2e9, latencyMs } });
  });

  test("share a link with the lines that leave the same host, and with no other", () => {
    const four = ["a", "a", "b", "c"];
    const topology = measured(four, () => [10, 2]);
    const bandwidths = (axisNames: readonly string[], shape: readonly number[]): unknown =>
      Object.entries(linkCosts({ axisNames, shape }, { hosts: four, topology, deterministic: false })).map(
        ([axis, cost]) => `${axis} ${cost!.bandwidth / 1e9}`,
      );
    // dp: 0-2 and 1-3 leave host a. tp: only 2-3 crosses.
    expect(bandwidths(["dp", "tp"], [2, 2])).toEqual(["dp 1", "tp 2"]);
    expect(bandwidths(["dp"], [4])).toEqual(["dp 2"]);
  });

  test("that were not measured depend on whether the axis crosses hosts", () => {
    expect(linkCosts(square, { hosts, deterministic: false })).toEqual({ dp: CROSSING_AXIS_COST });
    expect(linkCosts(square, { hosts, deterministic: true })).toEqual({});
    expect(linkCosts(square, { hosts: ["a", "a", "a", "a"], deterministic: false })).toEqual({});
  });
});

describe("A plan by measured speeds", () => {
  const plan = (costs: MeshCosts, from: PlacementSpec, to: PlacementSpec) => {
    const { steps } = explainRedistribute({ ...square, costs }, { shape: [512, 384], from, to });
    const crossing = steps.filter(({ axes }) => axes.includes("dp"));
    return {
      kinds: steps.map(({ collective, group }) => `${collective} ${group}`),
      overDp: crossing.reduce((total, step) => total + step.bytesSentPerRank[0]!, 0),
    };
  };
  const oneHost = new Array<string>(4).fill("a");
  const equal = linkCosts(square, {
    ...{ hosts: oneHost, topology: measured(oneHost, () => [2, 4]), deterministic: false },
  });
  const slowDp = linkCosts(square, {
    ...{ hosts, deterministic: false },
    topology: measured(hosts, (low, high) => (hosts[low] === hosts[high] ? [2, 4] : [200, 0.05])),
  });

  test("keeps bytes off the slow axis", () => {
    const from = { dp: Partial(), tp: Partial() };
    const to = { dp: Replicate(), tp: Replicate() };
    const [fast, slow] = [plan(equal, from, to), plan(slowDp, from, to)];
    expect(fast.kinds).toEqual(["allReduce dp+tp"]);
    expect(slow.kinds).toEqual(["reduceScatter tp", "allReduce dp", "allGather tp"]);
    // All-reduce over four ranks: 2 S 3/4. Over two, of half the tensor: 2 (S/2) 1/2.
    expect([fast.overDp, slow.overDp]).toEqual([1_179_648, 393_216]);
  });

  test("is the same where nothing has to cross", () => {
    const expected = { kinds: ["reduceScatter tp"], overDp: 0 };
    expect(plan(equal, { tp: Partial() }, { tp: Shard(0) })).toEqual(expected);
    expect(plan(slowDp, { tp: Partial() }, { tp: Shard(0) })).toEqual(expected);
  });
});
