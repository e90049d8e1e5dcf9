/**
 * Trains a character-level GPT on "Moby-Dick" over several ranks.
 *
 * @packageDocumentation
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { latestCheckpoint, toChromeTrace } from "@meshwright/core";
import { readCommandLine } from "../cli/read-command-line.ts";
import { loadBook } from "../data/book.ts";
import { trainingSections } from "../report/training-sections.ts";
import { writeReport } from "../report/write-report.ts";
import { timelineSection } from "../report/sections/timeline.ts";
import { checkCheckpoints } from "./checkpoints.ts";
import { command } from "./command.ts";
import { predictionsFor } from "./predictions.ts";
import { jsonResult, printResult, reportData, type FinishedRun } from "./results.ts";
import { checkSchedule, scheduleFor, unevenHint } from "./schedule.ts";
import { traceOf } from "./trace.ts";
import { trainOptionsFor } from "./train-options.ts";
import type program from "./train.ts";
import { trainingSession } from "./training-session.ts";

const options = readCommandLine(command, (wanted) => {
  checkSchedule(wanted);
  checkCheckpoints(wanted);
});
const { mesh, extra } = options;
const book = loadBook();
const { checkpointDir, checkpointEvery: every, resume } = extra;
const trainOptions = {
  ...trainOptionsFor(options, book),
  ...{ mesh, pipeline: scheduleFor(options) },
  checkpoints: checkpointDir === undefined ? undefined : { dir: checkpointDir, every, resume },
};

function finish(run: FinishedRun): void {
  printResult(run);
  if (checkpointDir !== undefined) console.log(`checkpoint: ${latestCheckpoint(checkpointDir)!}`);
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify(jsonResult(run), undefined, 2)}\n`);
  if (options.report === undefined) return;
  const file = writeReport(options.report, {
    data: reportData(run, { title: "GPT on Moby-Dick", command: "pnpm start" }),
    sections: [...trainingSections, timelineSection],
  });
  const trace = join(options.report, "trace.json");
  writeFileSync(trace, toChromeTrace(traceOf(run.results), { hosts: run.results.map(({ host }) => host) }));
  console.log(`report: ${file}\ntrace of the last step, for https://ui.perfetto.dev: ${trace}`);
}

const tokensPerStep = extra.batchSize * extra.contextLength;
await trainingSession({ options, tokensPerStep, appendMetrics: resume }, async ({ world, log, train }) => {
  const hint = unevenHint(options);
  if (hint !== undefined) log(hint);
  if (resume && checkpointDir !== undefined) log(`resuming from ${latestCheckpoint(checkpointDir)!}`);
  const results = await train((hooks) =>
    world.run<typeof program>(new URL("./train.ts", import.meta.url), trainOptions, hooks),
  );
  finish({ options, trainOptions, results, book, predictions: predictionsFor({ trainOptions, results }) });
});
