/**
 * Which messages a schedule needs, and when: derived, never written by hand.
 *
 * ```
 *   F of stage s            receive activation (s-1 -> s)   F   send activation (s -> s+1)
 *   B or I of stage s       receive gradient   (s+1 -> s)   B   send gradient   (s -> s-1)
 *   W of stage s            -                               W   -
 * ```
 *
 * Two neighbouring stages on one rank (the turning point of ZBV, or a single rank) hand over without a message.
 *
 * @packageDocumentation
 */
import type { Action, Schedule } from "./schedule.ts";
import { stagePlaces, type StagePlace } from "./stage-places.ts";

/** What one stage sends to a neighbouring one on another rank. */
export interface StageMessage {
  /** `activation`: a stage's output, to the next stage. `gradient`: of a stage's input, to the stage before. */
  readonly payload: "activation" | "gradient";
  readonly microBatch: number;
  /** The stage that receives it. */
  readonly stage: number;
  readonly from: number;
  readonly to: number;
  /** A number that no other message of the step has: sender and receiver match by it. */
  readonly tag: number;
}

/** One thing a rank does. */
export type Step =
  | { readonly kind: "receive"; readonly message: StageMessage }
  | { readonly kind: "action"; readonly action: Action; readonly stage: number }
  | { readonly kind: "send"; readonly message: StageMessage };

/**
 * `steps[rank]`: the rank's actions, each after the receive that it needs and before the send that it allows.
 *
 * The order of actions is the schedule's. Two ranks may send to each other at once, and messages may be received in another
 * order than they were sent in (activations and gradients share a pair of ranks), so receivers match by tag.
 *
 * @example
 * ```ts
 * const steps = communicationSteps(oneFOneB({ numRanks: 2, numMicroBatches: 1 }));
 * steps[1].map(({ kind }) => kind); // ["receive", "action", "action", "send"]: receive, F0, B0, send
 * ```
 */
export function communicationSteps(schedule: Schedule): readonly (readonly Step[])[] {
  const places = stagePlaces(schedule);
  return schedule.actions.map((actions, rank) => {
    const steps: Step[] = [];
    for (const action of actions) {
      const stage = schedule.stages[rank]![action.chunk]!;
      const [received, sent] = messagesOf(action, { schedule, places, stage });
      if (received) steps.push({ kind: "receive", message: received });
      steps.push({ kind: "action", action, stage });
      if (sent) steps.push({ kind: "send", message: sent });
    }
    return steps;
  });
}

interface Context {
  readonly schedule: Schedule;
  readonly places: readonly StagePlace[];
  readonly stage: number;
}

/** What an action receives and what it sends. */
function messagesOf(
  { kind, microBatch }: Action,
  { schedule, places, stage }: Context,
): readonly (StageMessage | undefined)[] {
  if (kind === "W") return [];
  const payload = kind === "F" ? "activation" : "gradient";
  const direction = kind === "F" ? 1 : -1;
  const message = (to: number): StageMessage | undefined => {
    const sender = places[to - direction]?.rank;
    const receiver = places[to]?.rank;
    if (sender === undefined || receiver === undefined || sender === receiver) return undefined;
    const tag = 2 * (to * schedule.numMicroBatches + microBatch) + (kind === "F" ? 0 : 1);
    return { payload, microBatch, stage: to, from: sender, to: receiver, tag };
  };
  return [message(stage), message(stage + direction)];
}
