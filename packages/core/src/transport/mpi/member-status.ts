/**
 * What one rank does, as the other threads of its process see it, for messages about ranks that are stuck.
 *
 * @packageDocumentation
 */
import { ArenaMemory } from "../threads/arena-memory.ts";
import { readRankStatuses } from "../threads/attach.ts";
import type { RankState, RankStatus } from "../threads/status-board.ts";
import { CALLS } from "../threads/status-words.ts";
import { GROUP_NUMBER, NO_PARTNER, PARTNER, type PlaceMemory } from "./own-place.ts";

/** One rank (structured-cloneable). */
export interface MemberStatus {
  readonly worldRank: number;
  /** `unreachable`: its process does not answer. */
  readonly state: RankState | "unreachable";
  /** The current call, or the last one. */
  readonly call?: NonNullable<RankStatus["call"]>;
  /** World ranks of the call's group. */
  readonly group: readonly number[];
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
  groups: readonly (readonly number[])[],
): MemberStatus {
  const memory = new ArenaMemory(place.arena);
  const { state, call, sinceMs } = readRankStatuses(place.arena)[0]!;
  const partner = place.words[PARTNER]!;
  return {
    worldRank,
    state,
    ...(call === undefined ? {} : { call }),
    group: groups[place.words[GROUP_NUMBER]!] ?? [],
    ...(partner === NO_PARTNER ? {} : { partner }),
    ...(sinceMs === undefined ? {} : { forMs: Math.max(0, Date.now() - sinceMs) }),
    calls: memory.words[memory.status(0) + CALLS]!,
  };
}
