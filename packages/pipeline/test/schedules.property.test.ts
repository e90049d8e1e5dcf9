/** What holds for every schedule at every size and cost. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSchedule, minBufferedMessages } from "../src/check.ts";
import type { Action, Schedule } from "../src/schedule.ts";
import { createSchedule, SCHEDULE_NAMES, type ScheduleName } from "../src/schedules/create-schedule.ts";
import { simulate } from "../src/simulate/simulate.ts";
import { stagePlaces } from "../src/stage-places.ts";
import type { TimelineEvent } from "../src/timeline-record.ts";

const RUNS = { numRuns: 200, seed: 5 };

function arbitrarySchedule(name: ScheduleName): fc.Arbitrary<Schedule> {
  const sizes = fc.record({
    numRanks: fc.integer({ min: 1, max: 7 }),
    count: fc.integer({ min: 1, max: 12 }),
    chunks: fc.integer({ min: 1, max: 4 }),
    recompute: fc.boolean(),
  });
  return sizes.map(({ numRanks, count, chunks, recompute }) => {
    const isLooped = name === "interleaved" || name === "looped-bfs";
    const isSplit = name === "zb-h1" || name === "zbv";
    return createSchedule(name, {
      numRanks,
      numMicroBatches: name === "interleaved" ? numRanks * (1 + (count % 3)) : count,
      ...(isLooped ? { chunksPerRank: chunks } : {}),
      recompute: recompute && !isSplit,
    });
  });
}

const anySchedule = fc.constantFrom(...SCHEDULE_NAMES).chain(arbitrarySchedule);

/** Integers, so that sums are exact and times can be compared with `>=`. */
const withCosts = anySchedule.chain((schedule) => {
  const numStages = schedule.stages.flat().length;
  const perStage = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: numStages, maxLength: numStages });
  const costs = fc.record({
    forward: perStage,
    inputGradient: perStage,
    weightGradient: perStage,
    inputBytes: perStage,
    latencyMs: fc.integer({ min: 0, max: 5 }),
    bandwidthBytesPerMs: fc.constantFrom(1, Infinity),
    overlapSends: fc.boolean(),
    isBufferTight: fc.boolean(),
  });
  return costs.map(({ isBufferTight, ...options }) => ({
    schedule,
    options: { ...options, bufferedMessages: isBufferTight ? minBufferedMessages(schedule) : Infinity },
  }));
});

/** What an action needs before it, as `kind stage`; written without the messages that the checker derives. */
function needsOf(action: Action, stage: number, schedule: Schedule): string[] {
  const lastStage = schedule.stages.flat().length - 1;
  switch (action.kind) {
    case "F":
      return stage === 0 ? [] : [`F ${stage - 1}`];
    case "B":
    case "I":
      return stage === lastStage ? [`F ${stage}`] : [`F ${stage}`, `${action.kind} ${stage + 1}`];
    case "W":
      return [`I ${stage}`];
  }
}

/** Whether the actions can all happen if messages are free: ranks move while they can. */
function comesToItsEnd(schedule: Schedule): boolean {
  const done = new Set<string>();
  const positions = schedule.actions.map(() => 0);
  const step = (rank: number) => {
    const action = schedule.actions[rank]![positions[rank]!];
    if (action === undefined) return false;
    const stage = schedule.stages[rank]![action.chunk]!;
    if (!needsOf(action, stage, schedule).every((need) => done.has(`${need} ${action.microBatch}`)))
      return false;
    done.add(`${action.kind} ${stage} ${action.microBatch}`);
    positions[rank]!++;
    return true;
  };
  while (positions.some((_, rank) => step(rank)));
  return schedule.actions.every(({ length }, rank) => positions[rank] === length);
}

function isAccepted(schedule: Schedule, bufferedMessages: number): boolean {
  try {
    checkSchedule(schedule, { bufferedMessages });
    return true;
  } catch {
    return false;
  }
}

describe.each(SCHEDULE_NAMES)("every %s", (name) => {
  test("is complete and comes to its end, with the smallest buffer and no smaller one", () => {
    fc.assert(
      fc.property(arbitrarySchedule(name), (schedule) => {
        const smallest = minBufferedMessages(schedule);
        checkSchedule(schedule, { bufferedMessages: smallest });
        if (smallest > 0) expect(isAccepted(schedule, smallest - 1)).toBe(false);
      }),
      RUNS,
    );
  });

  test("sums the gradients of every stage in the order of the micro-batches", () => {
    fc.assert(
      fc.property(arbitrarySchedule(name), (schedule) => {
        const summing = schedule.actions.flat().some(({ kind }) => kind === "W") ? "W" : "B";
        schedule.actions.forEach((actions, rank) => {
          schedule.stages[rank]!.forEach((_, chunk) => {
            const order = actions.filter((action) => action.chunk === chunk && action.kind === summing);
            expect(order.map(({ microBatch }) => microBatch)).toEqual(
              Array.from({ length: schedule.numMicroBatches }, (__, index) => index),
            );
          });
        });
      }),
      RUNS,
    );
  });
});

describe("checkSchedule", () => {
  test("accepts exactly the orders that can happen", () => {
    const shuffled = anySchedule.chain((schedule) =>
      fc.record({ rank: fc.nat(), from: fc.nat(), to: fc.nat() }).map(({ rank, from, to }) => {
        const actions = schedule.actions.map((list) => [...list]);
        const list = actions[rank % actions.length]!;
        const [moved] = list.splice(from % list.length, 1);
        // A short way mostly: far moves nearly always break a schedule.
        list.splice((from % list.length) + (to % 3), 0, moved!);
        return { ...schedule, actions };
      }),
    );
    let numRefused = 0;
    fc.assert(
      fc.property(shuffled, (schedule) => {
        const expected = comesToItsEnd(schedule);
        if (!expected) numRefused++;
        expect(isAccepted(schedule, Infinity)).toBe(expected);
      }),
      { numRuns: 600, seed: 5 },
    );
    // Both answers occurred often.
    expect(numRefused).toBeGreaterThan(50);
    expect(numRefused).toBeLessThan(550);
  });
});

describe("simulate", () => {
  test("starts nothing before what it needs, and does one thing at a time in the order of the schedule", () => {
    fc.assert(
      fc.property(withCosts, ({ schedule, options }) => {
        const { timeline } = simulate(schedule, options);
        const find = new Map(timeline.events.map((e) => [`${e.kind} ${e.stage} ${e.microBatch}`, e]));
        const places = stagePlaces(schedule);
        schedule.actions.forEach((actions, rank) => {
          let free = 0;
          for (const action of actions) {
            const stage = schedule.stages[rank]![action.chunk]!;
            const event = find.get(`${action.kind} ${stage} ${action.microBatch}`)!;
            expect(event.start).toBeGreaterThanOrEqual(free);
            free = event.end;
            for (const need of needsOf(action, stage, schedule)) {
              const before: TimelineEvent = find.get(`${need} ${action.microBatch}`)!;
              const isRemote = places[before.stage]!.rank !== rank;
              const bytes = options.inputBytes[Math.max(stage, before.stage)]!;
              const wire = isRemote ? options.latencyMs + bytes / options.bandwidthBytesPerMs : 0;
              expect(event.start).toBeGreaterThanOrEqual(before.end + wire);
            }
          }
        });
        expect(timeline.events).toHaveLength(schedule.actions.flat().length);
      }),
      RUNS,
    );
  });

  test("is never shorter than the busiest rank, nor than the way of one micro-batch", () => {
    fc.assert(
      fc.property(withCosts, ({ schedule, options }) => {
        const { makespan, busyPerRank, timeline, bubbleGlobal, bubbleSpan } = simulate(schedule, options);
        expect(makespan).toBeGreaterThanOrEqual(Math.max(...busyPerRank));
        const way = timeline.events.filter(({ microBatch, kind }) => microBatch === 0 && kind !== "W");
        const numHops = schedule.stages.flat().length - 1 - (schedule.name === "zbv" ? 1 : 0);
        const hops = schedule.numRanks === 1 ? 0 : 2 * numHops * options.latencyMs;
        expect(makespan).toBeGreaterThanOrEqual(way.reduce((sum, { start, end }) => sum + end - start, hops));
        expect(bubbleSpan).toBeLessThanOrEqual(bubbleGlobal + 1e-12);
      }),
      RUNS,
    );
  });

  test("takes (m + p - 1)(F + I + W) for GPipe and 1F1B with equal stages", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ScheduleName>("gpipe", "1f1b").chain(arbitrarySchedule),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (schedule, forward, inputGradient) => {
          const { makespan } = simulate(
            { ...schedule, recompute: false },
            { forward, inputGradient, weightGradient: 4 },
          );
          const slots = schedule.numMicroBatches + schedule.numRanks - 1;
          expect(makespan).toBe(slots * (forward + inputGradient + 4));
        },
      ),
      RUNS,
    );
  });

  test("keeps as many inputs of stages as the papers say, whatever the costs", () => {
    fc.assert(
      fc.property(withCosts, ({ schedule, options }) => {
        const { numRanks: p, numMicroBatches: m, stages, name } = schedule;
        const v = stages[0]!.length;
        const { peakLive } = simulate(schedule, options);
        const atMost = peakLive.map((_, r) => {
          if (name === "1f1b") return Math.min(m, p - r);
          if (name === "interleaved") return Math.min(v * m, (v - 1) * p + 2 * (p - 1 - r) + 1);
          if (name === "zb-h1") return Math.min(m, p);
          return name === "zbv" ? Math.min(2 * m, 2 * p) : v * m;
        });
        if (name === "zbv")
          peakLive.forEach((peak, r) => {
            expect(peak).toBeLessThanOrEqual(atMost[r]!);
          });
        else expect(peakLive).toEqual(atMost);
      }),
      RUNS,
    );
  });
});
