/**
 * Times the collectives of a program, for traces.
 *
 * @packageDocumentation
 */
import type { World } from "../runtime/program.ts";
import type { CollectiveName } from "./ledger.ts";
import type { ProcessGroup } from "./process-group.ts";

/** One call, from the moment a rank made it until it returned: waiting for the other ranks included. */
export interface CollectiveSpan {
  readonly group: string;
  readonly collective: CollectiveName;
  readonly label: string;
  /** Milliseconds since the Unix epoch, by the clock that all threads share. */
  readonly startMs: number;
  readonly durationMs: number;
}

/**
 * The same world, whose groups report how long each call took. Build meshes on it in place of the original.
 *
 * @example
 * ```ts
 * const spans: CollectiveSpan[] = [];
 * const mesh = createMesh(timeCollectives(world, (span) => spans.push(span)), { tp: 2 });
 * ```
 */
export function timeCollectives(world: World, onCall: (span: CollectiveSpan) => void): World {
  return {
    ...world,
    group: timedGroup(world.group, onCall),
    createGroup: (ranks, options) => timedGroup(world.createGroup(ranks, options), onCall),
  };
}

function timedGroup(group: ProcessGroup, onCall: (span: CollectiveSpan) => void): ProcessGroup {
  const timed = <R>(collective: CollectiveName, label: string | undefined, call: () => R): R => {
    const start = performance.now();
    const result = call();
    const durationMs = performance.now() - start;
    const startMs = performance.timeOrigin + start;
    onCall({ group: group.name, collective, label: label ?? "", startMs, durationMs });
    return result;
  };
  const { name, ranks, rank, size } = group;
  return {
    ...{ name, ranks, rank, size },
    allReduce: (buffer, options) =>
      timed("allReduce", options?.label, () => group.allReduce(buffer, options)),
    allGather: (send, options) => timed("allGather", options?.label, () => group.allGather(send, options)),
    reduceScatter: (send, options) =>
      timed("reduceScatter", options?.label, () => group.reduceScatter(send, options)),
    allToAll: (send, options) => timed("allToAll", options?.label, () => group.allToAll(send, options)),
    broadcast: (buffer, options) =>
      timed("broadcast", options?.label, () => group.broadcast(buffer, options)),
    send: (buffer, to, options) => {
      timed("send", options?.label, () => {
        group.send(buffer, to, options);
      });
    },
    receive: (buffer, from, options) =>
      timed("receive", options?.label, () => group.receive(buffer, from, options)),
    barrier: (options) => {
      timed("barrier", options?.label, () => {
        group.barrier(options);
      });
    },
  };
}
