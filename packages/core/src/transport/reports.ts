/**
 * The texts of communication errors, from plain data.
 *
 * @packageDocumentation
 */

/** A rank of a group, and what it called as far as it said. */
export interface CallReport {
  /** Position in the group. */
  readonly rank: number;
  readonly worldRank: number;
  /** Absent where the rank is not inside a call or could not say. */
  readonly called?: { readonly group: string; readonly text: string };
}

/** `rank 1`, or `rank 1 (world rank 3)` where the two numbers differ. */
export function rankName({ rank, worldRank }: Pick<CallReport, "rank" | "worldRank">): string {
  return rank === worldRank ? `rank ${rank}` : `rank ${rank} (world rank ${worldRank})`;
}

/** Ranks of one group are in different calls. `detail` says which numbers disagree where the calls alone do not. */
export function mismatchText(group: string, calls: readonly CallReport[], detail = ""): string {
  const parts = calls.map((call) => {
    if (!call.called) return `${rankName(call)} has not arrived`;
    const where = call.called.group === group ? "" : ` in group "${call.called.group}"`;
    return `${rankName(call)} called ${call.called.text}${where}`;
  });
  return `Collective mismatch in group "${group}": ${parts.join(", ")}${detail}; all ranks of a group must make the same calls in the same order.`;
}

/** What a rank does, as far as another one can see. */
export interface Whereabouts {
  readonly state: "computing" | "calling" | "waiting" | "finished" | "failed" | "unreachable";
  /** The current call, or the last one. */
  readonly call?: {
    readonly group: string;
    readonly collective: string;
    readonly label: string;
    readonly sequence: number;
    readonly description?: string;
  };
  readonly waitsFor?: number;
  /** How long it has been in this state; absent where not known. */
  readonly forMs?: number;
}

/** Where a rank is and what it did last. */
export function whereaboutsText({ state, call, waitsFor, forMs }: Whereabouts): string {
  const since = forMs === undefined ? "" : ` for ${seconds(forMs)}`;
  switch (state) {
    case "finished":
      return "it has ended its program";
    case "failed":
      return "it has failed";
    case "unreachable":
      return "its process does not answer";
    case "computing":
      return call === undefined
        ? `computing${since}, no call yet`
        : `computing${since}, last call ${lastCallText(call)}`;
    case "calling":
    case "waiting": {
      const inCall = call === undefined ? "" : ` in ${lastCallText(call)}`;
      return waitsFor === undefined ? `busy${inCall}` : `waiting for world rank ${waitsFor}${since}${inCall}`;
    }
  }
}

function lastCallText(call: NonNullable<Whereabouts["call"]>): string {
  const label = call.label === "" ? "" : ` "${call.label}"`;
  const what = call.description ?? `${call.collective}${label}`;
  const number = call.sequence === 0 ? "" : ` number ${call.sequence}`;
  return `${what}${number} of group "${call.group}"`;
}

/** A rank waited too long. */
export function timeoutText(options: {
  readonly waiting: CallReport;
  readonly timeoutMs: number;
  readonly missing: readonly (Pick<CallReport, "rank" | "worldRank"> & { readonly where: Whereabouts })[];
}): string {
  const { waiting, missing } = options;
  const call = waiting.called ?? { group: "", text: "a call" };
  const names = missing.map(rankName).join(", ");
  const places = missing.map((each) => `${rankName(each)}: ${whereaboutsText(each.where)}`).join("; ");
  return `Timeout in group "${call.group}": ${rankName(waiting)} waited ${seconds(options.timeoutMs)} in ${call.text} for ${names}. ${places}. Every rank of a group must make the call within timeoutMs (${options.timeoutMs}); raise it if the rank needs longer.`;
}

/** Somebody still waits for a rank that has ended its program. */
export function finishedText(options: {
  readonly waiting: CallReport;
  readonly finished: Pick<CallReport, "rank" | "worldRank"> & { readonly where: Whereabouts };
}): string {
  const { waiting, finished } = options;
  const call = waiting.called ?? { group: "", text: "a call" };
  const last =
    finished.where.call === undefined ? "made no call" : `made ${lastCallText(finished.where.call)} last`;
  return `Skipped call in group "${call.group}": ${rankName(waiting)} waits in ${call.text} for ${rankName(finished)}, which has ended its program (it ${last}); all ranks of a group must make the same calls in the same order.`;
}

/** Ranks wait for each other in a circle; `circle[i]` waits for `circle[i + 1]`, and the last for the first. */
export function deadlockText(
  circle: readonly { readonly worldRank: number; readonly where: Whereabouts }[],
): string {
  const parts = circle.map(({ worldRank, where }, index) => {
    const next = circle[(index + 1) % circle.length]!.worldRank;
    const call = where.call === undefined ? "a call" : lastCallText(where.call);
    return `world rank ${worldRank} waits for world rank ${next} in ${call}`;
  });
  return `Deadlock: ${parts.join(", ")}; ranks must not wait for each other in a circle, so order the calls alike on all of them.`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
