/**
 * Collectives among ranks that are played one after the other in one thread, by replay.
 *
 * Every pass runs each rank from its beginning. A collective to which some rank has not contributed yet notes this
 * rank's contribution and ends the rank's pass; once all contributions are known it answers from them:
 *
 * ```
 *            rank 0                               rank 1
 *   pass 1   allReduce noted                      allReduce answered, allGather noted
 *   pass 2   allReduce, allGather answered; done  both answered; done
 * ```
 *
 * Ranks must be deterministic. There are at most as many passes as collectives, and one more.
 *
 * @packageDocumentation
 */
import { ContractError, type NumericArray, type ProcessGroup } from "@meshwright/core";
import type { MeshGeometry } from "../mesh.ts";
import { coordinatesOf } from "./dense-value.ts";
import { newLike, reducePieces } from "./reduce-pieces.ts";

/** What one rank gives to one collective. */
interface Contribution {
  /** The collective and all that the ranks must agree on. */
  readonly what: string;
  readonly data: NumericArray;
  /** Lengths of the pieces for the ranks, where the collective sends pieces. */
  readonly counts: readonly number[];
}

/** What a group's members have given so far: by number of the collective, then by position. */
interface GroupLog {
  readonly collectives: (Contribution | undefined)[][];
  /** Messages by sender, receiver and tag. */
  readonly messages: Map<string, NumericArray[]>;
  /** Number of contributions and messages, to tell a pass that brought nothing new. */
  noted: number;
}

/** Ends a rank's pass: another rank has yet to contribute. */
class WaitsForOthers extends Error {}

/**
 * Plays `run` for every rank of a mesh, with a group per axis, and returns the results in rank order.
 *
 * @throws ContractError where the ranks of a group do not make the same collectives; else what `run` throws.
 */
export function replay<Result>(
  mesh: MeshGeometry,
  run: (coordinate: readonly number[], groups: readonly ProcessGroup[]) => Result,
): Result[] {
  const coordinates = coordinatesOf(mesh);
  const logs = new Map<string, GroupLog>();
  const done = new Map<number, Result>();
  for (let noted = -1; ;) {
    const waiting: string[] = [];
    coordinates.forEach((coordinate, rank) => {
      if (done.has(rank)) return;
      try {
        done.set(rank, run(coordinate, groupsAt(coordinate, mesh, logs)));
      } catch (error) {
        if (!(error instanceof WaitsForOthers)) throw error;
        waiting.push(`rank ${rank} waits in ${error.message}`);
      }
    });
    if (waiting.length === 0) return coordinates.map((_, rank) => done.get(rank)!);
    const nowNoted = [...logs.values()].reduce((sum, log) => sum + log.noted, 0);
    if (nowNoted === noted) {
      throw new ContractError(
        `the ranks of a group must make the same collectives, but ${waiting.join(", ")} and the others have ended`,
      );
    }
    noted = nowNoted;
  }
}

function groupsAt(
  coordinate: readonly number[],
  mesh: MeshGeometry,
  logs: Map<string, GroupLog>,
): ProcessGroup[] {
  return mesh.shape.map((size, axis) => {
    const key = `${axis}:${coordinate.with(axis, 0).join()}`;
    const log = logs.get(key) ?? { collectives: [], messages: new Map<string, NumericArray[]>(), noted: 0 };
    logs.set(key, log);
    const ranks = Array.from({ length: size }, (_, at) => rankAt(coordinate.with(axis, at), mesh));
    return replayedGroup(mesh.axisNames[axis]!, ranks, coordinate[axis]!, log);
  });
}

function rankAt(coordinate: readonly number[], mesh: MeshGeometry): number {
  return coordinate.reduce((rank, at, axis) => rank * mesh.shape[axis]! + at, 0);
}

/** A group as position `rank` sees it in one pass. */
function replayedGroup(name: string, ranks: readonly number[], rank: number, log: GroupLog): ProcessGroup {
  const size = ranks.length;
  const together = collectiveOf(log, name, rank, size);
  return {
    name,
    ranks,
    rank,
    size,
    allReduce: (buffer, { op = "sum", into = buffer } = {}) => {
      const all = together(`allReduce(${op}, ${kindOf(buffer)})`, buffer);
      reducePieces(
        all.map(({ data }) => data),
        op,
        into,
      );
      return into;
    },
    allGather: (send, { counts, into } = {}) => {
      const all = together(`allGather(${typeOf(send)})`, send);
      const lengths = all.map(({ data }) => data.length);
      requireCounts("allGather", counts ?? lengths.map(() => send.length), lengths);
      return join(
        all.map(({ data }) => data),
        into ?? newLike(send, lengths.reduce(add, 0)),
      );
    },
    reduceScatter: (send, { op = "sum", counts = evenCounts(send, size), into } = {}) => {
      const all = together(`reduceScatter(${op}, ${kindOf(send)}, ${counts.join()})`, send, counts);
      const out = into ?? newLike(send, counts[rank]!);
      reducePieces(
        all.map((one) => pieceFor(one, rank)),
        op,
        out,
      );
      return out;
    },
    allToAll: (send, { sendCounts = evenCounts(send, size), receiveCounts, into } = {}) => {
      const all = together(`allToAll(${typeOf(send)})`, send, sendCounts);
      const pieces = all.map((one) => pieceFor(one, rank));
      const lengths = pieces.map((piece) => piece.length);
      requireCounts("allToAll", receiveCounts ?? evenCounts(send, size), lengths);
      return join(pieces, into ?? newLike(send, lengths.reduce(add, 0)));
    },
    broadcast: (buffer, { root = 0 } = {}) => {
      const all = together(`broadcast(${root}, ${kindOf(buffer)})`, buffer);
      buffer.set(all[root]!.data);
      return buffer;
    },
    barrier: () => void together("barrier()", new Uint8Array(0)),
    ...pointToPoint(log, name, rank),
  };
}

/** Contributes to the group's next collective; returns what all ranks contributed, or ends the pass. */
function collectiveOf(
  log: GroupLog,
  name: string,
  rank: number,
  size: number,
): (what: string, data: NumericArray, counts?: readonly number[]) => readonly Contribution[] {
  let next = 0;
  return (what, data, counts = []) => {
    const sequence = next++;
    const all = (log.collectives[sequence] ??= new Array<Contribution | undefined>(size).fill(undefined));
    if (all[rank] === undefined) {
      all[rank] = { what, data: data.slice(), counts: [...counts] };
      log.noted++;
    }
    const given = all.filter((one) => one !== undefined);
    const other = given.find((one) => one.what !== what);
    if (other !== undefined) {
      throw new ContractError(
        `the ranks of group "${name}" must make the same collectives, but one calls ${what} and another ${other.what}`,
      );
    }
    if (given.length < size) throw new WaitsForOthers(`${what} of group "${name}"`);
    return given;
  };
}

function pointToPoint(log: GroupLog, name: string, rank: number): Pick<ProcessGroup, "send" | "receive"> {
  const counters = new Map<string, number>();
  const nextOf = (key: string): number => {
    const next = counters.get(key) ?? 0;
    counters.set(key, next + 1);
    return next;
  };
  const queueOf = (key: string): NumericArray[] => {
    const queue = log.messages.get(key) ?? [];
    log.messages.set(key, queue);
    return queue;
  };
  return {
    send: (buffer, to, { tag = 0 } = {}) => {
      const key = `${rank}>${to}#${tag}`;
      const queue = queueOf(key);
      const sequence = nextOf(key);
      if (sequence < queue.length) return;
      queue.push(buffer.slice());
      log.noted++;
    },
    receive: (buffer, from, { tag = 0 } = {}) => {
      const key = `${from}>${rank}#${tag}`;
      const message = queueOf(key)[nextOf(key)];
      if (message === undefined) throw new WaitsForOthers(`receive(from ${from}) of group "${name}"`);
      buffer.set(message);
      return buffer;
    },
  };
}

function requireCounts(collective: string, given: readonly number[], found: readonly number[]): void {
  if (given.join() === found.join()) return;
  throw new ContractError(
    `${collective}: counts (${given.join(", ")}) must be what the ranks send (${found.join(", ")})`,
  );
}

function pieceFor({ data, counts }: Contribution, rank: number): NumericArray {
  const start = counts.slice(0, rank).reduce(add, 0);
  return data.subarray(start, start + counts[rank]!);
}

function join<T extends NumericArray>(pieces: readonly NumericArray[], into: T): T {
  let at = 0;
  for (const piece of pieces) {
    into.set(piece, at);
    at += piece.length;
  }
  return into;
}

function evenCounts(send: NumericArray, size: number): readonly number[] {
  return new Array<number>(size).fill(send.length / size);
}

function typeOf(data: NumericArray): string {
  return data.constructor.name.replace("Array", "").toLowerCase();
}

function kindOf(data: NumericArray): string {
  return `${typeOf(data)}[${data.length}]`;
}

function add(a: number, b: number): number {
  return a + b;
}
