/**
 * A schedule as a picture, for tests that have its shape.
 *
 * @packageDocumentation
 */
import type { Schedule } from "../src/schedule.ts";
import { simulate } from "../src/simulate/simulate.ts";

/**
 * One line per rank and one cell per unit of time, with `F = I = W = 1` on every stage: `F0` is the forward pass of micro-batch 0
 * of chunk 0, `f0` that of chunk 1, `--` the second half of a `B`, and `..` nothing to do.
 */
export function drawSchedule(schedule: Schedule): string {
  const { makespan, timeline } = simulate(schedule, { forward: 1, inputGradient: 1, weightGradient: 1 });
  const lines = schedule.actions.map((_, rank) => {
    const cells = new Array<string>(makespan).fill("..");
    for (const { kind, microBatch, chunk, start, end } of timeline.events.filter((e) => e.rank === rank)) {
      cells.fill("--", start, end);
      cells[start] = `${chunk === 0 ? kind : kind.toLowerCase()}${microBatch}`;
    }
    return `rank ${rank}  ${cells.join(" ")}`;
  });
  return lines.join("\n");
}
