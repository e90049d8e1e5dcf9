import { describe, expect, test } from "vitest";
import { rankOnHost } from "./local-rank.ts";
import { visibleDevice } from "./visible-device.ts";

describe("the GPU of a rank", () => {
  test.each([
    ["one of all, by local rank", undefined, { localRank: 2, numDevices: 4 }, "2"],
    ["again from the first, with more ranks than devices", undefined, { localRank: 5, numDevices: 4 }, "1"],
    ["one of those that the environment names", "3, 1,6", { localRank: 1, numDevices: 8 }, "1"],
    ["named by its UUID", "GPU-a1,GPU-b2", { localRank: 1, numDevices: 0 }, "GPU-b2"],
    ["only from those before an entry that is no device", "4,-1,5", { localRank: 1, numDevices: 8 }, "4"],
    ["none, where all are hidden", "-1", { localRank: 0, numDevices: 8 }, undefined],
    ["none, where the list is empty", "", { localRank: 0, numDevices: 8 }, undefined],
    ["none, on a machine without", undefined, { localRank: 0, numDevices: 0 }, undefined],
  ])("is %s", (_, visible, rank, device) => {
    expect(visibleDevice(rank, visible)).toBe(device);
  });
});

describe("the local rank", () => {
  test.each([
    [{ OMPI_COMM_WORLD_LOCAL_RANK: "3", OMPI_COMM_WORLD_RANK: "7" }, 3],
    [{ MPI_LOCALRANKID: "1" }, 1],
    [{ SLURM_LOCALID: "0" }, 0],
    [{ MV2_COMM_WORLD_LOCAL_RANK: "2" }, 2],
  ])("of %j", (environment, localRank) => {
    expect(rankOnHost(environment)?.localRank).toBe(localRank);
  });

  test("is unknown without a launcher", () => {
    expect(rankOnHost({ PATH: "/bin" })).toBeUndefined();
    expect(rankOnHost({ SLURM_LOCALID: "first" })).toBeUndefined();
  });
});
