/**
 * Trains a character-level GPT on "Moby-Dick" over several ranks.
 *
 * @packageDocumentation
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createWorld,
  describeFailure,
  latestCheckpoint,
  metricsWriter,
  toChromeTrace,
} from "@meshwright/core";
import { createProgress } from "../cli/progress.ts";
import { readCommandLine } from "../cli/read-command-line.ts";
import { characterVocabulary } from "../data/character-vocabulary.ts";
import { loadMobyDick } from "../data/moby-dick.ts";
import { tokenDataset } from "../data/token-dataset.ts";
import { unigramEntropy } from "../data/unigram-entropy.ts";
import { trainingSections } from "../report/training-sections.ts";
import { writeReport } from "../report/write-report.ts";
import { timelineSection } from "../report/sections/timeline.ts";
import { checkCheckpoints } from "./checkpoints.ts";
import { command } from "./command.ts";
import { jsonResult, printResult, reportData } from "./results.ts";
import { checkSchedule, scheduleFor, unevenHint } from "./schedule.ts";
import type { TrainOptions, TrainUpdate } from "./run-data.ts";
import { traceOf } from "./trace.ts";
import type train from "./train.ts";

const options = readCommandLine(command, (wanted) => {
  checkSchedule(wanted);
  checkCheckpoints(wanted);
});
const { mesh, ranks, steps, seed, extra } = options;

const text = loadMobyDick();
const vocabulary = characterVocabulary(text);
const encoded = vocabulary.encode(text);
const tokens = new Int32Array(new SharedArrayBuffer(encoded.byteLength));
tokens.set(encoded);
const { training, validation } = tokenDataset(tokens);
const entropy = unigramEntropy(training, validation, { vocabularySize: vocabulary.size });

const trainOptions: TrainOptions = {
  mesh,
  pipeline: scheduleFor(options),
  tokens,
  model: {
    vocabSize: vocabulary.size,
    contextLength: extra.contextLength,
    features: extra.features,
    heads: extra.heads,
    layers: extra.layers,
  },
  batchSize: extra.batchSize,
  steps,
  seed,
  schedule: {
    peak: extra.learningRate,
    warmupSteps: Math.min(30, Math.floor(steps / 4)),
    totalSteps: steps,
    floor: extra.learningRate / 10,
  },
  validateEvery: extra.validateEvery,
  validationBatches: 4,
  checkpoints:
    extra.checkpointDir === undefined
      ? undefined
      : { dir: extra.checkpointDir, every: extra.checkpointEvery, resume: extra.resume },
  prompt: [...vocabulary.encode(extra.prompt)],
  sampleTokens: extra.sampleTokens,
};

const abort = new AbortController();
process.once("SIGINT", () => {
  abort.abort(new Error("interrupted"));
});
const progress = createProgress({ steps, enabled: options.progress });
const metrics =
  options.report === undefined
    ? undefined
    : metricsWriter(join(options.report, "metrics.jsonl"), { append: extra.resume });
const tokensPerStep = extra.batchSize * extra.contextLength;

function onReport(update: TrainUpdate): void {
  metrics?.write({ ...update });
  if (update.kind === "validation") {
    progress.log(`step ${update.step}: validation loss ${update.loss.toFixed(4)} nats per token`);
  } else {
    const tokensPerSecond = (1000 * tokensPerStep) / update.stepMs;
    progress.update({ step: update.step, loss: update.loss, tokensPerSecond });
  }
}

try {
  const world = await createWorld({ ranks, engine: options.engine, checked: options.checked, seed });
  try {
    const [engine] = world.engines;
    for (const { name, reason } of engine!.skipped) progress.log(`engine ${name} not taken: ${reason}`);
    progress.log(
      `${ranks} ranks (${Object.entries(mesh)
        .map(([axis, size]) => `${axis}=${size}`)
        .join(", ")}), engine ${engine!.name}, ${tokensPerStep} tokens per step`,
    );
    const hint = unevenHint(options);
    if (hint !== undefined) progress.log(hint);
    if (extra.resume && extra.checkpointDir !== undefined)
      progress.log(`resuming from ${latestCheckpoint(extra.checkpointDir)!}`);
    const results = await world.run<typeof train>(new URL("./train.ts", import.meta.url), trainOptions, {
      onReport,
      signal: abort.signal,
    });
    progress.stop();
    const run = {
      options,
      trainOptions,
      results,
      entropy,
      decode: (ids: Iterable<number>) => vocabulary.decode(ids),
    };
    printResult(run);
    if (extra.checkpointDir !== undefined)
      console.log(`checkpoint: ${latestCheckpoint(extra.checkpointDir)!}`);
    if (options.json !== undefined)
      writeFileSync(options.json, `${JSON.stringify(jsonResult(run), undefined, 2)}\n`);
    if (options.report !== undefined) {
      const file = writeReport(options.report, {
        data: reportData(run),
        sections: [...trainingSections, timelineSection],
      });
      const trace = join(options.report, "trace.json");
      writeFileSync(trace, toChromeTrace(traceOf(results)));
      console.log(`report: ${file}\ntrace of the last step, for https://ui.perfetto.dev: ${trace}`);
    }
  } finally {
    await world.close();
  }
} catch (error) {
  progress.stop();
  if (abort.signal.aborted) process.exitCode = 130;
  else {
    console.error(describeFailure(error));
    process.exitCode = 1;
  }
} finally {
  metrics?.close();
}
