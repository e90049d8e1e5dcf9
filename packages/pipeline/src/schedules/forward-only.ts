/**
 * The forward passes of a schedule alone: evaluation.
 *
 * @packageDocumentation
 */
import type { Schedule } from "../schedule.ts";

/** The same schedule without gradients: every rank does its `F` in the same order, and keeps nothing. */
export function forwardOnly(schedule: Schedule): Schedule {
  return {
    ...schedule,
    name: `${schedule.name}, forward only`,
    recompute: false,
    actions: schedule.actions.map((actions) => actions.filter(({ kind }) => kind === "F")),
  };
}
