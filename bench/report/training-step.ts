/**
 * The training-step benchmark as tables.
 *
 * @packageDocumentation
 */
import type { StepBenchResult, StepFigure, StepModelFigures } from "../step/run.ts";
import type { Section, Table } from "./table.ts";

/** Kernels that have a row of their own. */
const TOP_KERNELS = 12;

/** Times and kernels of every model, and what the cores can give at best. */
export function stepSections({ engine, samples, models, scaling }: StepBenchResult): Section[] {
  return [
    ...models.flatMap((model) => [
      {
        title: `Training step, ${modelTitle(model)}; engine ${engine}, one thread per rank, ${samples} steps each, interleaved`,
        table: stepTable(model),
      },
      {
        title: `Where the time goes at hidden ${model.sizes.features}: rank 0, ms (calls), fastest of 5 steps`,
        table: kernelTable(model),
      },
    ]),
    {
      title: "The limit: a 1024 x 1024 product per rank, alone and at the same time",
      table: {
        header: ["ranks at work", "GFLOP/s per rank"],
        rows: [
          ["1", scaling.aloneGflops.toFixed(1)],
          ["2", scaling.togetherGflops.toFixed(1)],
          ["speed-up that 2 cores allow", `${scaling.speedup.toFixed(2)}x`],
        ],
      },
    },
  ];
}

/** `hidden 768, 2 layers, 8 x 128 tokens, vocabulary 96 (14.4 M parameters)` */
export function modelTitle({ sizes, parameters }: StepModelFigures): string {
  const { features, layers, batchSize, contextLength, vocabSize } = sizes;
  return `hidden ${features}, ${layers} layers, ${batchSize} x ${contextLength} tokens, vocabulary ${vocabSize} (${(parameters / 1e6).toFixed(1)} M parameters)`;
}

function stepTable({ figures }: StepModelFigures): Table {
  return {
    header: [
      ...["", "ms per step", "fastest", "speed-up", "of the fastest"],
      ...["CPU ms per rank", "CPU speed-up", "tokens/s", "MB sent per rank"],
    ],
    rows: figures.map((figure) => [
      figure.name,
      figure.stepMs.median.toFixed(0),
      figure.stepMs.min.toFixed(0),
      `${figure.speedup.toFixed(2)}x`,
      `${figure.fastestSpeedup.toFixed(2)}x`,
      figure.cpuMs?.toFixed(0) ?? "-",
      figure.cpuSpeedup === null ? "-" : `${figure.cpuSpeedup.toFixed(2)}x`,
      figure.tokensPerSecond.toFixed(0),
      (bytesSent(figure) / 1e6).toFixed(1),
    ]),
  };
}

function bytesSent({ communication }: StepFigure): number {
  return communication.reduce((sum, total) => sum + total.bytesSent, 0);
}

/** The longest kernels, the others summed, and what is left of the step. */
function kernelTable({ figures }: StepModelFigures): Table {
  const names = [...new Set(figures.flatMap(({ profile }) => profile.kernels.map(({ name }) => name)))];
  const longest = (name: string): number => Math.max(...figures.map((figure) => total(figure, [name]).ms));
  names.sort((a, b) => longest(b) - longest(a));
  const others = names.slice(TOP_KERNELS);
  const cell = (figure: StepFigure, wanted: readonly string[]): string => {
    const { ms, calls } = total(figure, wanted);
    return `${ms.toFixed(1)} (${calls})`;
  };
  const row = (title: string, show: (figure: StepFigure) => string): string[] => [
    title,
    ...figures.map(show),
  ];
  return {
    header: ["", ...figures.map(({ name }) => name)],
    rows: [
      ...names.slice(0, TOP_KERNELS).map((name) => row(name, (figure) => cell(figure, [name]))),
      row(`${others.length} other kernels`, (figure) => cell(figure, others)),
      row("outside kernels", (figure) => (figure.profile.ms - total(figure, names).ms).toFixed(1)),
      row("whole step", (figure) => figure.profile.ms.toFixed(1)),
    ],
  };
}

function total({ profile }: StepFigure, names: readonly string[]): { ms: number; calls: number } {
  const counted = profile.kernels.filter(({ name }) => names.includes(name));
  return {
    ms: counted.reduce((sum, { ms }) => sum + ms, 0),
    calls: counted.reduce((sum, { calls }) => sum + calls, 0),
  };
}
