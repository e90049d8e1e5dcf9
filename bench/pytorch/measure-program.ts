/**
 * What every rank does in the measurements of single operations, in turn with the other players.
 *
 * @packageDocumentation
 */
import { defineProgram } from "@meshwright/core";
import { awaitTurn, endTurn, type Turns } from "../step/turns.ts";
import { bodyOf, isCollective, MEASUREMENTS } from "./measurements.ts";

/** Options of the program; the same on every rank. */
export interface MeasureOptions {
  readonly form: "meshwright" | "plain";
  readonly rounds: number;
  /** One call per sample. */
  readonly quick: boolean;
  readonly turns: Turns;
  readonly player: number;
}

/** Milliseconds per call, by measurement and round. */
export type MeasureResult = readonly (readonly number[])[];

export default defineProgram<MeasureOptions, never, MeasureResult>(({ world, options }) => {
  const { form, rounds, quick, turns, player } = options;
  return MEASUREMENTS.map((measurement, index) => {
    const takesPart = world.rank === 0 || isCollective(measurement);
    const body = takesPart ? bodyOf(measurement, form, world.group) : undefined;
    const calls = quick ? 1 : measurement.calls;
    const ms: number[] = [];
    for (let round = -1; round < rounds; round++) {
      awaitTurn(turns, player, index * (rounds + 1) + round + 1);
      world.group.barrier();
      const start = performance.now();
      if (body !== undefined) for (let call = 0; call < calls; call++) body();
      // The first round warms up.
      if (round >= 0) ms.push((performance.now() - start) / calls);
      world.group.barrier();
      if (world.rank === 0) endTurn(turns);
    }
    return ms;
  });
});
