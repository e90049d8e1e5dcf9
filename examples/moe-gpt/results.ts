/**
 * What a finished comparison says: on the terminal, as JSON, and in the report.
 *
 * @packageDocumentation
 */
import type { FlopsPerToken, LayerLoad, LoadReport } from "@meshwright/moe";
import { jsonResult, reportData, type FinishedRun, type GPTJson } from "../gpt/results.ts";
import type { ExpertLoadData } from "../report/expert-load-data.ts";
import type { ReportData } from "../report/report-data.ts";
import type { MoECommandOptions } from "./command.ts";
import type { ModelFacts } from "./moe-options.ts";

/** A finished training with experts, and the dense one beside it. */
export interface FinishedComparison {
  readonly options: MoECommandOptions;
  readonly moe: FinishedRun;
  /** Left out with `--skip-dense`. */
  readonly dense: FinishedRun | undefined;
  readonly facts: ModelFacts;
  readonly load: LoadReport;
}

/** The file that `--json` writes: that of the main job for the model with experts, and more. */
export interface MoEJson extends GPTJson {
  readonly experts: number;
  readonly topK: number;
  readonly balance: MoECommandOptions["extra"]["balance"];
  readonly totalParameters: number;
  readonly activeParameters: number;
  /** Floating-point operations of a token's forward pass. */
  readonly flopsPerToken: FlopsPerToken & { readonly dense: number };
  /** Busiest expert over mean: mean of the last steps, of the worst layer. */
  readonly imbalance: number;
  /** Dropped choices over all choices in the last steps, all layers together. */
  readonly dropRate: number;
  /** Experts that got no token in the last steps, all layers together. */
  readonly deadExperts: number;
  /** Of every layer, step by step and at the end. */
  readonly expertLoad: readonly LayerLoad[];
  readonly warnings: readonly string[];
  /** The dense model. */
  readonly dense?: GPTJson;
}

/** Builds the contents of the `--json` file. */
export function moeJson({ options, moe, dense, facts, load }: FinishedComparison): MoEJson {
  const { experts, topK, balance } = options.extra;
  return {
    ...jsonResult(moe),
    ...{ experts, topK, balance },
    totalParameters: facts.totalParameters,
    activeParameters: facts.activeParameters,
    flopsPerToken: { ...facts.flops, dense: facts.denseFlops },
    ...summary(load),
    expertLoad: load.layers,
    warnings: load.warnings.map(({ message }) => message),
    ...(dense && { dense: jsonResult(dense) }),
  };
}

function summary({ layers }: LoadReport): Pick<MoEJson, "imbalance" | "dropRate" | "deadExperts"> {
  const finals = layers.map(({ final }) => final);
  return {
    imbalance: Math.max(...finals.map((final) => final.imbalance)),
    // Every layer has the same number of choices.
    dropRate: finals.reduce((sum, final) => sum + final.dropRate, 0) / finals.length,
    deadExperts: finals.reduce((sum, final) => sum + final.deadExperts.length, 0),
  };
}

/** Prints sizes, work, losses and load. */
export function printComparison(run: FinishedComparison): void {
  const json = moeJson(run);
  const { facts, load, options } = run;
  const lines = [
    ...modelLines(facts),
    ...lossLines(json),
    ...load.layers.map(
      ({ layer, final: { imbalance, entropy, dropRate, deadExperts, numSteps } }) =>
        `${layer}, last ${numSteps} steps: imbalance ${imbalance.toFixed(3)}, entropy ${entropy.toFixed(3)}, dropped ${percent(dropRate)}, dead experts ${deadExperts.length === 0 ? "none" : deadExperts.join(", ")}`,
    ),
    `worst imbalance ${json.imbalance.toFixed(3)} with balance ${options.extra.balance}`,
    "",
    run.moe.book.vocabulary.decode(run.moe.results[0]!.sample),
    "",
  ];
  console.log(lines.join("\n"));
}

function modelLines({
  totalParameters,
  activeParameters,
  denseParameters,
  flops,
  denseFlops,
}: ModelFacts): string[] {
  const saved = 1 - flops.activeExperts / flops.denseAllExperts;
  return [
    `experts: ${count(totalParameters)} parameters, ${count(activeParameters)} of them active for a token; ${count(flops.active)} FLOPs per token, forward`,
    `dense: ${count(denseParameters)} parameters; ${count(denseFlops)} FLOPs per token`,
    `${percent(saved)} fewer expert FLOPs than if every token visited every expert (${count(flops.activeExperts)} of ${count(flops.denseAllExperts)})`,
  ];
}

function lossLines({ validationLoss, unigramEntropy, tokensPerSecond, stepMs, dense }: MoEJson): string[] {
  const line = (name: string, json: Pick<GPTJson, "validationLoss" | "tokensPerSecond" | "stepMs">): string =>
    `${name}: validation loss ${json.validationLoss.toFixed(4)} nats per character, ${count(json.tokensPerSecond)} tokens/s, median step ${json.stepMs.toFixed(0)} ms`;
  return [
    line("experts", { validationLoss, tokensPerSecond, stepMs }),
    ...(dense ? [line("dense", dense)] : []),
    `knowing only the frequencies of characters: ${unigramEntropy.toFixed(4)}`,
  ];
}

/** Builds the data of the HTML report. */
export function comparisonReport(run: FinishedComparison): ReportData & ExpertLoadData {
  const { moe, dense, facts, load, options } = run;
  const { experts, topK, balance, everyNth } = options.extra;
  const data = reportData(moe, { title: "GPT with experts on Moby-Dick", command: "pnpm example moe-gpt" });
  return {
    ...data,
    config: {
      ...data.config,
      ...{ experts, topK, balance, everyNth },
      activeParameters: facts.activeParameters,
      flopsPerToken: facts.flops.active,
      ...(dense && {
        denseParameters: facts.denseParameters,
        denseFlopsPerToken: facts.denseFlops,
        denseValidationLoss: Number(jsonResult(dense).validationLoss.toFixed(4)),
      }),
    },
    expertLoad: load,
  };
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
