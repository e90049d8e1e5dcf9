/**
 * The mixture-of-experts benchmark: experts in one kernel, a loop, and padded; what router and dispatch cost; experts on
 * two ranks, by either dispatcher, against one.
 *
 * @packageDocumentation
 */
import { createWorld, type LedgerTotal } from "@meshwright/core";
import { medianRatio, summarize, type Summary } from "../statistics.ts";
import type expertsProgram from "./experts.ts";
import type { ExpertsWay } from "./experts.ts";
import type layerProgram from "./layer.ts";
import type { LayerResult } from "./layer.ts";
import type overlapProgram from "./overlap.ts";
import type { OverlapResult } from "./overlap.ts";
import type overheadProgram from "./overhead.ts";
import type { LayerPart } from "./overhead.ts";
import { countsOf, type LoadShape } from "./loads.ts";
import type { MoESizes } from "./sizes.ts";
import { createTurns } from "../step/turns.ts";

/** Settings of the benchmark. */
export interface MoEBenchOptions {
  readonly sizes: MoESizes;
  /** Samples per figure. */
  readonly rounds: number;
  readonly seed: number;
  readonly engine: "wasm" | "cpu" | "tensorflow" | "auto";
}

/** One way to run experts under one load. */
export interface ExpertsFigure {
  readonly load: LoadShape;
  readonly experts: number;
  /** Of the fullest expert over the mean. */
  readonly imbalance: number;
  readonly way: ExpertsWay;
  readonly ms: Summary;
  /** Median of (this time / time of the grouped kernel) over the rounds. */
  readonly ratio: number;
}

/** A part of the layer. */
export interface PartFigure {
  readonly part: LayerPart;
  readonly ms: Summary;
  /** Median of (this time / time of the layer). */
  readonly share: number;
}

/** The layer in one world. */
export interface WorldFigure {
  readonly name: string;
  readonly ranks: number;
  readonly ms: Summary;
  /** Processor time of the busiest rank's thread. */
  readonly cpuMs: Summary;
  /** Median of (time on 1 rank / this time) over the rounds. */
  readonly speedup: number;
  /** The same of processor time: what the speed-up is where every rank has its own core. */
  readonly cpuSpeedup: number;
  /** Of rank 0, in one pass forward and backward. */
  readonly communication: readonly LedgerTotal[];
}

/** What a layer with a shared expert spends its time on, on two ranks: medians over the rounds of the slower rank. */
export type OverlapFigure = { readonly [What in keyof OverlapResult]: Summary };

/** All figures. */
export interface MoEBenchResult {
  readonly engine: string;
  readonly sizes: MoESizes;
  readonly rounds: number;
  readonly seed: number;
  readonly experts: readonly ExpertsFigure[];
  readonly parts: readonly PartFigure[];
  /** `1 - experts / layer`: everything in the layer that is not the experts' own arithmetic. */
  readonly overheadShare: number;
  readonly worlds: readonly WorldFigure[];
  readonly overlap: OverlapFigure;
}

const WARM_UP = 2;

/** Measures on worker threads of this process. */
export async function runMoEBench(options: MoEBenchOptions): Promise<MoEBenchResult> {
  const { sizes, rounds, seed } = options;
  const experts = await measureExperts(options);
  const { parts, overheadShare } = await measureParts(options);
  const { engine, worlds } = await measureWorlds(options);
  const overlap = await measureOverlap(options);
  return { engine, sizes, rounds, seed, experts, parts, overheadShare, worlds, overlap };
}

async function measureExperts({ sizes, rounds, engine }: MoEBenchOptions): Promise<ExpertsFigure[]> {
  const { tokens, topK, features, hidden } = sizes;
  const world = await createWorld({ ranks: 1, engine });
  const figures: ExpertsFigure[] = [];
  try {
    for (const experts of [sizes.experts, 4 * sizes.experts]) {
      for (const load of ["even", "skewed"] as const) {
        const counts = countsOf(load, tokens * topK, experts);
        const [samples] = await world.run<typeof expertsProgram>(new URL("./experts.ts", import.meta.url), {
          ...{ counts, features, hidden, rounds, warmUp: WARM_UP },
        });
        const imbalance = (Math.max(...counts) * experts) / (tokens * topK);
        for (const way of Object.keys(samples!) as ExpertsWay[]) {
          const ratio = medianRatio(samples![way], samples!.grouped);
          figures.push({ load, experts, imbalance, way, ms: summarize(samples![way]), ratio });
        }
      }
    }
  } finally {
    await world.close();
  }
  return figures;
}

async function measureParts({
  sizes,
  rounds,
  seed,
  engine,
}: MoEBenchOptions): Promise<Pick<MoEBenchResult, "parts" | "overheadShare">> {
  const world = await createWorld({ ranks: 1, engine });
  try {
    const url = new URL("./overhead.ts", import.meta.url);
    const [found] = await world.run<typeof overheadProgram>(url, { sizes, seed, rounds, warmUp: WARM_UP });
    const { milliseconds } = found!;
    const share = (part: LayerPart): number => medianRatio(milliseconds[part], milliseconds.layer);
    const parts = (Object.keys(milliseconds) as LayerPart[]).map((part) => ({
      ...{ part, ms: summarize(milliseconds[part]), share: share(part) },
    }));
    return { parts, overheadShare: 1 - share("experts") };
  } finally {
    await world.close();
  }
}

const WORLDS = [
  { name: "1 rank", ranks: 1, dispatcher: "all-to-all" },
  { name: "ep=2, all-to-all", ranks: 2, dispatcher: "all-to-all" },
  { name: "ep=2, all-gather", ranks: 2, dispatcher: "all-gather" },
] as const;

async function measureWorlds({
  sizes,
  rounds,
  seed,
  engine,
}: MoEBenchOptions): Promise<Pick<MoEBenchResult, "engine" | "worlds">> {
  const worlds = await Promise.all(WORLDS.map(({ ranks }) => createWorld({ ranks, engine })));
  const turns = createTurns(worlds.length);
  try {
    const url = new URL("./layer.ts", import.meta.url);
    const results = await Promise.all(
      worlds.map((world, player) =>
        world.run<typeof layerProgram>(url, {
          ...{ sizes, seed, rounds, warmUp: WARM_UP, turns, player },
          dispatcher: WORLDS[player]!.dispatcher,
        }),
      ),
    );
    const [wall, cpu] = [slowest(results, "wallMs"), slowest(results, "cpuMs")];
    const figures = WORLDS.map(({ name, ranks }, i) => ({
      ...{ name, ranks, ms: summarize(wall[i]!), cpuMs: summarize(cpu[i]!) },
      speedup: medianRatio(wall[0]!, wall[i]!),
      cpuSpeedup: medianRatio(cpu[0]!, cpu[i]!),
      communication: results[i]![0]!.communication,
    }));
    return { engine: results[0]![0]!.engine, worlds: figures };
  } finally {
    await Promise.all(worlds.map((world) => world.close()));
  }
}

async function measureOverlap({ sizes, rounds, seed, engine }: MoEBenchOptions): Promise<OverlapFigure> {
  const world = await createWorld({ ranks: 2, engine });
  try {
    const url = new URL("./overlap.ts", import.meta.url);
    const results = await world.run<typeof overlapProgram>(url, { sizes, seed, rounds, warmUp: WARM_UP });
    const slower = (what: keyof OverlapResult): Summary =>
      summarize(
        results[0]![what].map((_, round) => Math.max(...results.map((found) => found[what][round]!))),
      );
    return {
      ...{ layer: slower("layer"), exchanges: slower("exchanges"), alone: slower("alone") },
      ...{ aloneCpu: slower("aloneCpu"), shared: slower("shared") },
    };
  } finally {
    await world.close();
  }
}

/** Per world and round: what the slowest rank took. */
function slowest(
  results: readonly (readonly LayerResult[])[],
  what: "wallMs" | "cpuMs",
): readonly (readonly number[])[] {
  return results.map((byRank) =>
    byRank[0]!.samples.map((_, round) => Math.max(...byRank.map(({ samples }) => samples[round]![what]))),
  );
}
