/**
 * The pipeline benchmark as tables.
 *
 * @packageDocumentation
 */
import type { ActionOverhead, PipelineBenchResult, PipelineFigure } from "../pipeline/run.ts";
import { perRank } from "./schedules.ts";
import type { Section } from "./table.ts";

/** Schedules, balance, and what the scheduler costs. */
export function pipelineSections(result: PipelineBenchResult): Section[] {
  return [schedulesSection(result), balanceSection(result), overheadSection(result.overhead)];
}

/** Predicted, measured and ratio of every schedule. */
function schedulesSection(result: PipelineBenchResult): Section {
  const { numRanks, numMicroBatches, rankMs, samples, schedules } = result;
  return {
    title: `Schedules on ${numRanks} ranks, ${numMicroBatches} micro-batches; F, I and W of a rank wait ${rankMs} ms each; median of ${samples} steps, in turn`,
    table: {
      header: [
        "schedule",
        "predicted (ms)",
        "measured (ms)",
        "efficiency, predicted",
        "measured",
        "ratio",
        "best step",
        "live, rank 0 to p - 1, predicted",
        "measured",
      ],
      rows: schedules.map((figure) => {
        const { predicted, measured } = figure;
        return [
          figure.name,
          predicted.makespanMs.toFixed(0),
          measured.makespanMs.toFixed(0),
          predicted.efficiency.toFixed(3),
          measured.efficiency.toFixed(3),
          ratioOf(figure),
          figure.bestEfficiency.toFixed(3),
          perRank(predicted.peakLive),
          perRank(measured.peakLive),
        ];
      }),
    },
  };
}

/** A slow stage, and its cure. */
function balanceSection({ numRanks, numMicroBatches, rankMs, balance }: PipelineBenchResult): Section {
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const others = (idle: readonly number[]) => percent(idle.reduce((a, b) => a + b, 0) / idle.length);
  return {
    title: `A slow stage: 1f1b on ${numRanks} ranks, ${numMicroBatches} micro-batches, ${rankMs} ms`,
    table: {
      header: [
        "stages",
        "layers per stage",
        "predicted (ms)",
        "measured (ms)",
        "efficiency, predicted",
        "measured",
        "ratio",
        "idle in span, predicted",
        "measured",
      ],
      rows: balance.map((figure) => {
        const { predicted, measured } = figure;
        return [
          figure.name,
          figure.layersPerStage.join(" "),
          predicted.makespanMs.toFixed(0),
          measured.makespanMs.toFixed(0),
          predicted.efficiency.toFixed(3),
          measured.efficiency.toFixed(3),
          ratioOf(figure),
          others(predicted.idleShare),
          others(measured.idleShare),
        ];
      }),
    },
  };
}

function overheadSection(overhead: readonly ActionOverhead[]): Section {
  return {
    title: "Microseconds per action (F or B) of a stage of one tiny kernel that does not wait, rank 0",
    table: {
      header: ["ranks", "step", "vjp and pullback in a loop", "scheduler and messages", "of the fastest"],
      rows: overhead.map((figures) =>
        [
          figures.ranks,
          figures.stepMicroseconds,
          figures.workMicroseconds,
          figures.schedulerMicroseconds,
          figures.fastestSchedulerMicroseconds,
        ].map((value) => value.toFixed(0)),
      ),
    },
  };
}

function ratioOf({ predicted, measured }: PipelineFigure): string {
  return (measured.efficiency / predicted.efficiency).toFixed(3);
}
