/**
 * Where on its rank every action stands.
 *
 * @packageDocumentation
 */
import type { ActionKind, Schedule } from "./schedule.ts";
import { stagePlaces } from "./stage-places.ts";

const KIND_INDEX: Readonly<Record<ActionKind, number>> = { F: 0, B: 1, I: 2, W: 3 };
const NUM_KINDS = 4;
const ABSENT = -1;

/** Looks up actions by kind, micro-batch and stage. All micro-batches and chunks must exist. */
export class ActionPositions {
  readonly #places;
  readonly #numMicroBatches: number;
  /** First position of every kind, micro-batch and stage: a flat table, because schedules have up to 1e5 actions. */
  readonly #first: Int32Array;
  /** Further positions of actions that occur more than once. */
  readonly #further = new Map<number, number[]>();

  constructor(schedule: Schedule) {
    this.#places = stagePlaces(schedule);
    this.#numMicroBatches = schedule.numMicroBatches;
    this.#first = new Int32Array(this.#places.length * schedule.numMicroBatches * NUM_KINDS).fill(ABSENT);
    schedule.actions.forEach((actions, rank) => {
      actions.forEach(({ kind, microBatch, chunk }, index) => {
        this.#add(this.#key(kind, microBatch, schedule.stages[rank]![chunk]!), index);
      });
    });
  }

  /** `undefined` for a stage that does not exist: the one after the last. */
  rankOf(stage: number): number | undefined {
    return this.#places[stage]?.rank;
  }

  /** The first one; `undefined` if there is none. */
  first(kind: ActionKind, microBatch: number, stage: number): number | undefined {
    const first = this.#first[this.#key(kind, microBatch, stage)];
    return first === ABSENT ? undefined : first;
  }

  all(kind: ActionKind, microBatch: number, stage: number): readonly number[] {
    const first = this.first(kind, microBatch, stage);
    return first === undefined
      ? []
      : [first, ...(this.#further.get(this.#key(kind, microBatch, stage)) ?? [])];
  }

  #add(key: number, index: number): void {
    if (this.#first[key] === ABSENT) {
      this.#first[key] = index;
      return;
    }
    const further = this.#further.get(key);
    if (further) further.push(index);
    else this.#further.set(key, [index]);
  }

  #key(kind: ActionKind, microBatch: number, stage: number): number {
    return (stage * this.#numMicroBatches + microBatch) * NUM_KINDS + KIND_INDEX[kind];
  }
}
