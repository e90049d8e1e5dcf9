import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { createWorld } from "../runtime/world-handle.ts";
import { rankSettings } from "../runtime/world-options.ts";
import { readTopology } from "./read-topology.ts";
import { checkTopologyHosts, topologyProblem, type Topology } from "./topology.ts";

const pair = (low: number, high: number, latencyUs = 2, bandwidthGBps = 4) => ({
  ...{ ranks: [low, high] as const, latencyUs, bandwidthGBps },
});
const topology: Topology = [
  { host: "a", pairs: [pair(0, 1), pair(0, 2)] },
  { host: "a", pairs: [pair(1, 2)] },
  { host: "b", pairs: [] },
];
const measure =
  "measure it with meshwright topology --save FILE, started by the same launcher on the same hosts";

const folder = mkdtempSync(join(tmpdir(), "meshwright-topology-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const written = (text: string): string => {
  const file = join(folder, "topology.json");
  writeFileSync(file, text);
  return file;
};

describe("A topology", () => {
  test("is read as it was written", () => {
    expect(readTopology(written(JSON.stringify(topology)))).toEqual(topology);
  });

  test.each([
    ["nothing", undefined, "(undefined) must be an array with an entry per rank"],
    ["no ranks", [], "([]) must be an array with an entry per rank"],
    ["a rank without a host", [{ pairs: [] }], "(entry of rank 0) must hold its host and the pairs"],
    [
      "a latency of nothing",
      [{ host: "a", pairs: [pair(0, 1, 0)] }, topology[2]],
      "(entry of rank 0) must hold",
    ],
    [
      "a pair that was not measured",
      [topology[0], topology[2], topology[2]],
      "(none of ranks 1 and 2) must have one figure of every pair of its 3 ranks",
    ],
    [
      "a pair that was measured twice",
      [topology[0], { host: "a", pairs: [pair(1, 2), pair(1, 2)] }, topology[2]],
      "(none of ranks 1 and 2) must have one figure",
    ],
  ])("with %s is none", (_, value, says) => {
    expect(topologyProblem(value)).toContain(`topology ${says}`);
    expect(topologyProblem(value)).toContain(measure);
  });

  test("that is not in the file is an error with the file's name", () => {
    const file = written("within a host: 2 us");
    expect(() => readTopology(file)).toThrow(ContractError);
    expect(() => readTopology(file)).toThrow(`readTopology: file ${file} (Unexpected token`);
    expect(() => readTopology(join(folder, "none"))).toThrow("ENOENT");
    expect(() => readTopology(written("[]"))).toThrow("topology ([]) must be an array");
  });

  test("of another number of ranks is an error of the world", () => {
    expect(() => rankSettings("createWorld", { ranks: 4, topology })).toThrow(
      new ContractError(
        `createWorld: topology (of 3 ranks) must be of as many ranks as the world (4); ${measure}.`,
      ),
    );
    expect(rankSettings("createWorld", { ranks: 3, topology }).topology).toBe(topology);
  });

  test("of other hosts is an error of a world of threads before any of them starts", async () => {
    const elsewhere = [{ host: "elsewhere", pairs: [] }];
    await expect(createWorld({ ranks: 1, topology: elsewhere })).rejects.toThrow(
      `createWorld: topology (rank 0 on elsewhere) must be of the hosts of this job (rank 0 on ${hostname()}); ${measure}.`,
    );
  });

  test("of other hosts is an error that names the first rank that is elsewhere", () => {
    checkTopologyHosts("createWorld", topology, ["a", "a", "b"]);
    expect(() => {
      checkTopologyHosts("createWorld", topology, ["a", "b", "b"]);
    }).toThrow(
      new ContractError(
        `createWorld: topology (rank 1 on a) must be of the hosts of this job (rank 1 on b); ${measure}.`,
      ),
    );
  });
});
