/**
 * Whether a schedule does everything once, and in an order that a rank can compute.
 *
 * @packageDocumentation
 */
import { ActionPositions } from "./action-positions.ts";
import type { ActionKind, Schedule } from "./schedule.ts";

/** All that is wrong with the shape, the actions, and their order on each rank; sentences with fixes. */
export function completenessProblems(schedule: Schedule): string[] {
  const shape = [...sizeProblems(schedule), ...stageProblems(schedule)];
  if (shape.length > 0) return shape;
  const actions = unknownActionProblems(schedule);
  if (actions.length > 0) return actions;
  const positions = new ActionPositions(schedule);
  const counts = countProblems(schedule, positions);
  return counts.length > 0 ? counts : orderProblems(schedule, positions);
}

function sizeProblems({ numRanks, stages, actions }: Schedule): string[] {
  return Object.entries({ stages, actions })
    .filter(([, { length }]) => length !== numRanks)
    .map(
      ([name, { length }]) => `${name} (${length} lists) must have one list per rank; use ${numRanks} lists.`,
    );
}

function stageProblems({ stages }: Schedule): string[] {
  const chunksPerRank = stages[0]?.length ?? 0;
  const problems = stages.flatMap((chunks, rank) =>
    chunks.length === chunksPerRank && chunksPerRank > 0
      ? []
      : [
          `stages[${rank}] (${chunks.length} chunks) must have as many as every rank has; use ${Math.max(1, chunksPerRank)}.`,
        ],
  );
  const numStages = stages.flat().length;
  const held = new Set(stages.flat());
  for (let stage = 0; stage < numStages; stage++) {
    if (!held.has(stage)) {
      problems.push(`stage ${stage} must be on one rank; use each of 0..${numStages - 1} once in stages.`);
    }
  }
  return problems;
}

/** Actions of micro-batches or chunks that do not exist. */
function unknownActionProblems({ actions, stages, numMicroBatches }: Schedule): string[] {
  return actions.flatMap((list, rank) =>
    list.flatMap(({ kind, microBatch, chunk }, index) => {
      const where = `${kind} (rank ${rank}, action ${index})`;
      const numChunks = stages[rank]!.length;
      const problems: string[] = [];
      if (!isIndex(microBatch, numMicroBatches)) {
        problems.push(
          `microBatch (${microBatch}) of ${where} must be one of the schedule's; use 0..${numMicroBatches - 1}.`,
        );
      }
      if (!isIndex(chunk, numChunks)) {
        problems.push(`chunk (${chunk}) of ${where} must be one of the rank's; use 0..${numChunks - 1}.`);
      }
      return problems;
    }),
  );
}

function isIndex(value: number, length: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < length;
}

/** The kinds that every micro-batch must go through on every stage: the schedule splits its backward pass, or does not. */
function requiredKinds(schedule: Schedule): readonly ActionKind[] {
  const kinds = new Set(schedule.actions.flatMap((actions) => actions.map(({ kind }) => kind)));
  if (kinds.has("I") || kinds.has("W")) return ["F", "I", "W"];
  return kinds.has("B") ? ["F", "B"] : ["F"];
}

function countProblems(schedule: Schedule, positions: ActionPositions): string[] {
  const required = requiredKinds(schedule);
  const problems: string[] = [];
  forEachWork(schedule, (microBatch, stage) => {
    const rank = positions.rankOf(stage);
    for (const kind of ["F", "B", "I", "W"] as const) {
      const found = positions.all(kind, microBatch, stage);
      const wanted = required.includes(kind) ? 1 : 0;
      if (found.length === wanted) continue;
      const fix = wanted > found.length ? "add it" : `remove ${wanted === 0 ? "it" : "all but one"}`;
      const where = found.length === 0 ? "" : `, actions ${found.join(", ")}`;
      problems.push(
        `${kind}${microBatch} of stage ${stage} (rank ${rank}${where}) must occur ${wanted === 0 ? "not at all beside I and W" : "once"}, not ${found.length} times; ${fix}.`,
      );
    }
  });
  return problems;
}

/** Actions before others of the same rank that they need: `B` before `F`, `W` before `I`, a stage before the last one. */
function orderProblems(schedule: Schedule, positions: ActionPositions): string[] {
  const backwardKind = requiredKinds(schedule).includes("I") ? "I" : "B";
  const problems: string[] = [];
  const needs = (microBatch: number, late: Work, early: Work) => {
    const rank = positions.rankOf(late.stage);
    if (positions.rankOf(early.stage) !== rank) return;
    const lateAt = positions.first(late.kind, microBatch, late.stage);
    const earlyAt = positions.first(early.kind, microBatch, early.stage);
    if (lateAt === undefined || earlyAt === undefined || earlyAt < lateAt) return;
    problems.push(
      `${late.kind}${microBatch} of stage ${late.stage} (rank ${rank}, action ${lateAt}) must come after ${early.kind}${microBatch} of stage ${early.stage} (action ${earlyAt}), which it needs; swap them.`,
    );
  };
  forEachWork(schedule, (microBatch, stage) => {
    needs(microBatch, { kind: backwardKind, stage }, { kind: "F", stage });
    needs(microBatch, { kind: "W", stage }, { kind: "I", stage });
    needs(microBatch, { kind: "F", stage: stage + 1 }, { kind: "F", stage });
    needs(microBatch, { kind: backwardKind, stage }, { kind: backwardKind, stage: stage + 1 });
  });
  return problems;
}

interface Work {
  readonly kind: ActionKind;
  readonly stage: number;
}

function forEachWork(schedule: Schedule, visit: (microBatch: number, stage: number) => void): void {
  const numStages = schedule.stages.flat().length;
  for (let microBatch = 0; microBatch < schedule.numMicroBatches; microBatch++) {
    for (let stage = 0; stage < numStages; stage++) visit(microBatch, stage);
  }
}
