/**
 * Trains a GPT with experts on "Moby-Dick", and a dense one that does as much work per token.
 *
 * @packageDocumentation
 */
import { writeFileSync } from "node:fs";
import { loadReport } from "@meshwright/moe";
import { readCommandLine } from "../cli/read-command-line.ts";
import { loadBook } from "../data/book.ts";
import type { FinishedRun } from "../gpt/results.ts";
import type { TrainOptions, TrainResult } from "../gpt/run-data.ts";
import { trainOptionsFor } from "../gpt/train-options.ts";
import type denseProgram from "../gpt/train.ts";
import { trainingSession, type TrainingSession } from "../gpt/training-session.ts";
import { expertLoadSection } from "../report/sections/expert-load.ts";
import { trainingSections } from "../report/training-sections.ts";
import { writeReport } from "../report/write-report.ts";
import { command } from "./command.ts";
import { checkExperts, modelFacts, moeOptions } from "./moe-options.ts";
import { comparisonReport, moeJson, printComparison, type FinishedComparison } from "./results.ts";
import type { MoETrainOptions } from "./run-data.ts";
import type moeProgram from "./train.ts";

const options = readCommandLine(command, checkExperts);
const { mesh, extra } = options;
const book = loadBook();
const shared = trainOptionsFor(options, book);
const moe: MoETrainOptions = { ...shared, mesh: { ...mesh, pp: 1 }, moe: moeOptions(options) };
// For everything but experts, ep is data-parallel.
const dense: TrainOptions = { ...shared, mesh: { dp: mesh.dp * mesh.ep, pp: 1, tp: mesh.tp } };

function finished(trainOptions: TrainOptions, results: readonly TrainResult[]): FinishedRun {
  return { options, trainOptions, results, book, predictions: new Map() };
}

function finish(run: FinishedComparison): void {
  printComparison(run);
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify(moeJson(run), undefined, 2)}\n`);
  if (options.report === undefined) return;
  const sections = [...trainingSections.slice(0, 2), expertLoadSection, ...trainingSections.slice(2)];
  console.log(`report: ${writeReport(options.report, { data: comparisonReport(run), sections })}`);
}

async function trainDense({ world, train }: TrainingSession): Promise<FinishedRun | undefined> {
  if (extra.skipDense) return undefined;
  const program = new URL("../gpt/train.ts", import.meta.url);
  const results = await train((hooks) => world.run<typeof denseProgram>(program, dense, hooks), {
    model: "dense",
  });
  return finished(dense, results);
}

const tokensPerStep = extra.batchSize * extra.contextLength;
await trainingSession({ options, tokensPerStep }, async (session) => {
  const program = new URL("./train.ts", import.meta.url);
  const results = await session.train((hooks) => session.world.run<typeof moeProgram>(program, moe, hooks), {
    model: "experts",
  });
  finish({
    options,
    moe: finished(moe, results),
    dense: await trainDense(session),
    facts: modelFacts(moe.model, moe.moe),
    load: loadReport(results[0]!.load),
  });
});
