/**
 * The command line of the GPT example.
 *
 * @packageDocumentation
 */
import { SCHEDULE_NAMES } from "@meshwright/pipeline";
import {
  choiceOption,
  flagOption,
  integerOption,
  numberOption,
  optionalInteger,
  optionalText,
  textOption,
} from "../cli/option-value.ts";
import type { TrainingCommand, TrainingOptions } from "../cli/training-options.ts";

/** Options of every training of a GPT: its sizes, the training, and the sample. */
export const modelOptions = {
  layers: integerOption("transformer blocks", 3),
  features: integerOption("width of the model", 128),
  heads: integerOption("attention heads; a multiple of the ranks on tp", 4),
  contextLength: integerOption("characters per sequence", 64),
  batchSize: integerOption("sequences per step, over all ranks", 12),
  learningRate: numberOption("peak learning rate", 4e-3, { min: 0 }),
  validateEvery: integerOption("steps between validations", 200),
  prompt: textOption("how the generated sample starts", "The whale"),
  sampleTokens: integerOption("characters to generate at the end", 240),
};

const extra = {
  ...modelOptions,
  schedule: choiceOption("order of work of a pipeline", SCHEDULE_NAMES, "1f1b"),
  microBatches: optionalInteger("micro-batches per step (default: 2 per rank on pp; 1 without a pipeline)"),
  chunks: optionalInteger("stages per rank of a pipeline (default: what the schedule needs)"),
  recompute: flagOption("keep only the inputs of stages, and run them again for the backward pass"),
  checkpointDir: optionalText("write checkpoints to this folder (default: none)", "folder"),
  checkpointEvery: integerOption("steps between checkpoints; there is one after the last step", 200),
  resume: flagOption("go on from the latest checkpoint, on any mesh"),
};

/** What `pnpm start` accepts. The defaults take about two minutes on two cores. */
export const command = {
  name: "gpt",
  description: 'Trains a character-level GPT on "Moby-Dick" over several ranks.',
  axes: ["dp", "tp", "pp"],
  defaults: { mesh: { tp: 2 }, steps: 1000, report: "report" },
  options: extra,
} as const satisfies TrainingCommand<"dp" | "tp" | "pp", typeof extra>;

/** What the user asked for. */
export type GPTCommandOptions = TrainingOptions<"dp" | "tp" | "pp", typeof extra>;
