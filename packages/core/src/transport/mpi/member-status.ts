/**
 * What one rank does, as the other threads of its process see it, for messages about ranks that are stuck.
 *
 * @packageDocumentation
 */
import { ArenaMemory } from "../threads/arena-memory.ts";
import { readRankStatuses } from "../threads/attach.ts";
import type { RankState, RankStatus } from "../threads/status-board.ts";
import { CALLS } from "../threads/status-words.ts";
import type { OpenedGroup } from "./attach.ts";
import { COUNTERS, GROUP_NUMBER, MAX_GROUPS, NO_PARTNER, PARTNER, type PlaceMemory } from "./own-place.ts";

/** One rank (structured-cloneable). */
export interface MemberStatus {
  readonly worldRank: number;
  /** `unreachable`: its process does not answer. */
  readonly state: RankState | "unreachable";
  /** The current call, or the last one. */
  readonly call?: NonNullable<RankStatus["call"]>;
  /** World ranks of the call's group, and its key. */
  readonly group: readonly number[];
  readonly groupKey: string;
  /** By the key of every group that the rank has opened: the last collective that it came to. */
  readonly arrived: Readonly<Record<string, number>>;
  /** Messages so far, by world rank. */
  readonly sent: readonly number[];
  readonly received: readonly number[];
  /** World rank of the only other one in the call; absent where all of the group take part. */
  readonly partner?: number;
  /** How long it has been in this state; absent where not known. */
  readonly forMs?: number;
  /** Number of calls so far: two equal numbers mean that the rank did not move in between. */
  readonly calls: number;
}

/** Reads the status of this process's rank. `groups` are the groups that it opened, by number. */
export function readMemberStatus(
  place: PlaceMemory,
  worldRank: number,
  groups: readonly OpenedGroup[],
): MemberStatus {
  const memory = new ArenaMemory(place.arena);
  const { state, call, sinceMs } = readRankStatuses(place.arena)[0]!;
  const own = groups[place.words[GROUP_NUMBER]!];
  const counters = place.words.subarray(COUNTERS);
  const arrivedAt = (number: number): number =>
    number < MAX_GROUPS ? counters[2 * place.size + number]! : Infinity;
  const partner = place.words[PARTNER]!;
  return {
    worldRank,
    state,
    ...(call === undefined ? {} : { call }),
    group: own?.ranks ?? [],
    groupKey: own?.key ?? "",
    arrived: Object.fromEntries(groups.map(({ key, number }) => [key, arrivedAt(number)])),
    sent: [...counters.subarray(0, place.size)],
    received: [...counters.subarray(place.size, 2 * place.size)],
    ...(partner === NO_PARTNER ? {} : { partner }),
    ...(sinceMs === undefined ? {} : { forMs: Math.max(0, Date.now() - sinceMs) }),
    calls: memory.words[memory.status(0) + CALLS]!,
  };
}
