/**
 * Why ranks wait, from what all of them do.
 *
 * @packageDocumentation
 */
import type { FailureKind } from "../failures.ts";
import {
  deadlockText,
  finishedText,
  mismatchText,
  timeoutText,
  type CallReport,
  type Whereabouts,
} from "../reports.ts";
import type { MemberStatus } from "./member-status.ts";

/** What is wrong, for `failureError`. */
export interface StallVerdict {
  readonly kind: FailureKind;
  readonly text: string;
}

/**
 * Finds a rank that waits for one that has ended, ranks that wait for each other, or one that has waited too long;
 * `undefined` if all may still go on. `statuses[r]` is rank `r`'s.
 *
 * A verdict is final only if nobody moved meanwhile: ask again, and compare `calls`.
 */
export function explainStall(statuses: readonly MemberStatus[], timeoutMs: number): StallVerdict | undefined {
  const waiting = statuses.filter(({ state }) => state === "waiting");
  for (const status of waiting) {
    const ended = missingFor(status, statuses).find(({ state }) => state === "finished");
    if (ended !== undefined) return { kind: "finished", text: textOfEnd(status, ended) };
  }
  const circle = circleAmong(waiting, statuses);
  if (circle !== undefined) return verdictOn(circle);
  const late = statuses.find(
    ({ state, forMs = 0 }) => (state === "waiting" || state === "calling") && forMs >= timeoutMs,
  );
  return late === undefined ? undefined : { kind: "timeout", text: textOfTimeout(late, statuses, timeoutMs) };
}

/** Whom `status` waits for: the sender whose messages it has all received, or the members that have not come to its call. */
function missingFor(status: MemberStatus, statuses: readonly MemberStatus[]): readonly MemberStatus[] {
  const { partner, group, worldRank } = status;
  if (partner !== undefined) {
    const sender = statuses[partner]!;
    const isOnItsWay = (sender.sent[worldRank] ?? 0) > (status.received[partner] ?? 0);
    return isOnItsWay ? [] : [sender];
  }
  return group
    .filter((rank) => rank !== worldRank)
    .map((rank) => statuses[rank]!)
    .filter((other) => !hasArrived(other, status));
}

/** Whether it came to the call, and may have gone on since: a rank that sleeps sees late that others have arrived. */
function hasArrived(other: MemberStatus, { call, groupKey }: MemberStatus): boolean {
  const last = other.arrived[groupKey];
  return last !== undefined && last >= (call?.sequence ?? 0);
}

/** Ranks of which each waits for the next one, and the last for the first. */
function circleAmong(
  waiting: readonly MemberStatus[],
  statuses: readonly MemberStatus[],
): readonly MemberStatus[] | undefined {
  for (const first of waiting) {
    const path: MemberStatus[] = [];
    let next: MemberStatus | undefined = first;
    while (next !== undefined && !path.includes(next)) {
      path.push(next);
      next = missingFor(next, statuses).find(({ state }) => state === "waiting");
    }
    if (next !== undefined) return lowestFirst(path.slice(path.indexOf(next)));
  }
  return undefined;
}

function lowestFirst(circle: readonly MemberStatus[]): readonly MemberStatus[] {
  const ranks = circle.map(({ worldRank }) => worldRank);
  const start = ranks.indexOf(Math.min(...ranks));
  return [...circle.slice(start), ...circle.slice(0, start)];
}

/** Ranks of one set that are in different collectives disagree; anything else is a circle. */
function verdictOn(circle: readonly MemberStatus[]): StallVerdict {
  const first = circle[0]!;
  const sameRanks = circle.every(
    ({ group, partner }) => partner === undefined && group.join() === first.group.join(),
  );
  if (sameRanks) {
    const calls = circle.map((status) => callReport(status, first.group));
    return { kind: "mismatch", text: mismatchText(first.call?.group ?? "", calls) };
  }
  const parts = circle.map((status) => ({ worldRank: status.worldRank, where: whereabouts(status) }));
  return { kind: "deadlock", text: deadlockText(parts) };
}

function textOfEnd(waiting: MemberStatus, ended: MemberStatus): string {
  return finishedText({
    waiting: callReport(waiting, waiting.group),
    finished: { ...nameIn(waiting.group, ended), where: whereabouts(ended) },
  });
}

function textOfTimeout(late: MemberStatus, statuses: readonly MemberStatus[], timeoutMs: number): string {
  const missing = missingFor(late, statuses);
  return timeoutText({
    waiting: callReport(late, late.group),
    timeoutMs,
    missing: missing.map((status) => ({ ...nameIn(late.group, status), where: whereabouts(status) })),
  });
}

function nameIn(group: readonly number[], { worldRank }: MemberStatus): CallReport {
  return { rank: group.indexOf(worldRank), worldRank };
}

function callReport(status: MemberStatus, group: readonly number[]): CallReport {
  const { call } = status;
  const name = nameIn(group, status);
  if (call === undefined) return name;
  return { ...name, called: { group: call.group, text: call.description ?? call.collective } };
}

function whereabouts({ state, call, forMs }: MemberStatus): Whereabouts {
  return {
    state,
    ...(call === undefined ? {} : { call }),
    ...(forMs === undefined ? {} : { forMs }),
  };
}
