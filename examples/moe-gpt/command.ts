/**
 * The command line of the mixture-of-experts example.
 *
 * @packageDocumentation
 */
import {
  choiceOption,
  flagOption,
  integerOption,
  optionalInteger,
  optionalNumber,
} from "../cli/option-value.ts";
import type { TrainingCommand, TrainingOptions } from "../cli/training-options.ts";
import { modelOptions } from "../gpt/command.ts";

const extra = {
  ...modelOptions,
  experts: integerOption("experts per layer; a multiple of the ranks on ep", 8),
  topK: integerOption("experts per token", 2),
  expertFeatures: optionalInteger(
    "hidden features of an expert (default: 4 * features / top-k, the work of the dense model)",
  ),
  everyNth: integerOption("the last of every n blocks has experts", 1),
  balance: choiceOption("what keeps experts equally busy", ["loss", "bias", "none"], "loss"),
  balanceStrength: optionalNumber(
    "coefficient of the loss (default 0.1), or how far the bias moves per step (default 0.01)",
    { min: 0, example: 0.01 },
  ),
  capacityFactor: optionalNumber(
    "capacity of an expert, 1 is an even share (default: none, nothing is dropped)",
    {
      min: 0,
      example: 1.25,
    },
  ),
  skipDense: flagOption("do not train the dense model to compare with"),
};

/** What `pnpm example moe-gpt` accepts. */
export const command = {
  name: "moe-gpt",
  description: 'Trains a GPT with experts on "Moby-Dick", and a dense one that does as much work per token.',
  axes: ["dp", "ep", "tp"],
  defaults: { mesh: { ep: 2 }, steps: 300 },
  options: extra,
} as const satisfies TrainingCommand<"dp" | "ep" | "tp", typeof extra>;

/** What the user asked for. */
export type MoECommandOptions = TrainingOptions<"dp" | "ep" | "tp", typeof extra>;
