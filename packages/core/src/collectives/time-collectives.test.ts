import { expect, test } from "vitest";
import type { World } from "../runtime/program.ts";
import { createThreadsArena } from "../transport/threads/arena.ts";
import { attachThreads } from "../transport/threads/attach.ts";
import { createLedger } from "./create-ledger.ts";
import { createProcessGroup } from "./create-process-group.ts";
import type { ProcessGroup } from "./process-group.ts";
import { timeCollectives, type CollectiveSpan } from "./time-collectives.ts";

/** A world of one rank, whose calls return at once. */
function soloWorld(): World {
  const ledger = createLedger();
  const transport = attachThreads(createThreadsArena({ ranks: 1 }), 0);
  const createGroup: World["createGroup"] = (ranks, { name }) =>
    createProcessGroup(transport, ranks, { name, ledger });
  const engine: World["engine"] = {
    name: "cpu",
    backendName: "cpu",
    skipped: [],
    bridgedKernels: () => [],
    view: () => new Float32Array(),
    create: () => ({ dataId: {}, shape: [], dtype: "float32" }),
  };
  return {
    rank: 0,
    size: 1,
    group: createGroup([0], { name: "world" }),
    createGroup,
    hosts: ["a"],
    deterministic: true,
    ledger,
    engine,
    checked: false,
  };
}

test("every call of every group is timed, in order, and does what it did", () => {
  const spans: CollectiveSpan[] = [];
  const before = performance.timeOrigin + performance.now();
  const world = timeCollectives(soloWorld(), (span) => spans.push(span));
  const group: ProcessGroup = world.createGroup([0], { name: "tp" });
  const buffer = Float32Array.of(1, 2);
  expect(group.allReduce(buffer, { label: "w" })).toBe(buffer);
  expect([...group.allGather(buffer)]).toEqual([1, 2]);
  expect([...group.reduceScatter(buffer)]).toEqual([1, 2]);
  expect([...group.allToAll(buffer)]).toEqual([1, 2]);
  expect(group.broadcast(buffer)).toBe(buffer);
  world.group.barrier();
  expect(spans.map((span) => `${span.group} ${span.collective} ${span.label}`.trim())).toEqual([
    "tp allReduce w",
    "tp allGather",
    "tp reduceScatter",
    "tp allToAll",
    "tp broadcast",
    "world barrier",
  ]);
  for (const { startMs, durationMs } of spans) {
    expect(startMs).toBeGreaterThanOrEqual(before);
    expect(durationMs).toBeGreaterThanOrEqual(0);
  }
});
