import { hostname } from "node:os";
import { launch, type OutputLine, type Topology } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/host-mesh.ts";

test("A mesh on threads has the speeds that were measured between them, and no axis that crosses hosts", async () => {
  const ranks = [0, 1, 2, 3];
  const topology: Topology = ranks.map((low) => ({
    host: hostname(),
    pairs: ranks
      .slice(low + 1)
      .map((high) => ({ ranks: [low, high] as const, latencyUs: 1 + low + high, bandwidthGBps: 8 - high })),
  }));
  const errors: OutputLine[] = [];
  const all = await launch<typeof program>(new URL("./programs/host-mesh.ts", import.meta.url), {
    ...{ ranks: 4, engine: "cpu", topology },
    output: (line) => {
      if (line.stream === "stderr") errors.push(line);
    },
  });
  const host = hostname();
  expect(all).toMatchObject(
    ranks.map((rank) => ({
      rank,
      hosts: [host, host, host, host],
      mesh: `{ dp: 2, tp: 2 } on ${host}`,
      // The slowest of the pairs 0-2 and 1-3, and of 0-1 and 2-3.
      costs: {
        dp: { bandwidth: 5e9, latencyMs: 0.005 },
        tp: { bandwidth: 5e9, latencyMs: 0.006 },
      },
      ...{ sum: 1111, order: [0, 1, 2, 3] },
    })),
  );
  expect(errors).toEqual([]);
});
