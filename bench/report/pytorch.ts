/**
 * The benchmark against PyTorch as tables.
 *
 * @packageDocumentation
 */
import { MEASURED, type ModelFigures, type PlayerFigure, type PytorchBenchResult } from "../pytorch/run.ts";
import type { OperationFigure } from "../pytorch/measure.ts";
import type { Section, Table } from "./table.ts";

/** Kernels that have a row of their own, of each program. */
const TOP_KERNELS = 10;

/** Targets, steps, profiles and single operations. */
export function pytorchSections(result: PytorchBenchResult): Section[] {
  const { models, operations, samples, torch } = result;
  return [
    { title: "Targets", table: targetTable(models) },
    ...models.flatMap((model) => [
      {
        title: `Training step, ${titleOf(model)}; PyTorch ${torch}, ${samples} steps each, in turn`,
        table: stepTable(model),
      },
      ...model.figures
        .filter(
          ({ name, profile }) =>
            profile !== null && (name === "Meshwright, 1 rank" || name.startsWith("PyTorch")),
        )
        .map((figure) => ({
          title: `Where the time goes at hidden ${model.sizes.features}: ${figure.name}, fastest of 5 steps`,
          table: profileTable(figure),
        })),
    ]),
    { title: `Single operations, fastest of ${samples}`, table: operationTable(operations) },
  ];
}

function titleOf({ sizes, parameters, work, limitMs }: ModelFigures): string {
  return `hidden ${sizes.features}, ${sizes.layers} layers, ${sizes.batchSize} x ${sizes.contextLength} tokens (${(parameters / 1e6).toFixed(1)} M parameters, ${work.gflop.toFixed(0)} GFLOP; at least ${limitMs.toFixed(0)} ms on one core)`;
}

function stepTable({ figures, limitMs }: ModelFigures): Table {
  return {
    header: [
      ...["", "ms per step", "fastest", "times PyTorch, 1 rank", "of the fastest"],
      ...["speed-up over 1 rank", "of the fastest", "of the limit", "MB sent per rank"],
    ],
    rows: figures.map(
      ({ name, ranks, stepMs, ofTorch, fastestOfTorch, speedup, fastestSpeedup, bytesSent }) => [
        name,
        stepMs.median.toFixed(0),
        stepMs.min.toFixed(0),
        `${ofTorch.toFixed(2)}x`,
        `${fastestOfTorch.toFixed(2)}x`,
        `${speedup.toFixed(2)}x`,
        `${fastestSpeedup.toFixed(2)}x`,
        `${((100 * limitMs) / ranks / stepMs.min).toFixed(0)} %`,
        bytesSent === null ? "-" : (bytesSent / 1e6).toFixed(1),
      ],
    ),
  };
}

function profileTable({ profile }: PlayerFigure): Table {
  const { kernels, ms } = profile!;
  const rest = kernels.slice(TOP_KERNELS);
  const sum = (of: readonly { readonly ms: number }[]): number =>
    of.reduce((total, kernel) => total + kernel.ms, 0);
  const row = (name: string, calls: string, time: number): string[] => [
    name,
    calls,
    time.toFixed(1),
    `${((100 * time) / ms).toFixed(0)} %`,
  ];
  return {
    header: ["", "calls", "ms", "share"],
    rows: [
      ...kernels.slice(0, TOP_KERNELS).map((kernel) => row(kernel.name, String(kernel.calls), kernel.ms)),
      row(`${rest.length} others`, String(rest.reduce((total, { calls }) => total + calls, 0)), sum(rest)),
      row("outside kernels", "", Math.max(0, ms - sum(kernels))),
      row("whole step", "", ms),
    ],
  };
}

function operationTable(operations: readonly OperationFigure[]): Table {
  return {
    header: ["", "unit", ...MEASURED],
    rows: operations.map(({ name, unit, work, fastestMs }) => [
      name,
      unit,
      ...fastestMs.map((ms) => {
        if (ms === null) return "-";
        return unit === "ms" ? ms.toFixed(2) : (work / ms / 1e6).toFixed(1);
      }),
    ]),
  };
}

/** What issue by issue was aimed at: a ratio, its bound, and both ways to measure it. */
function targetTable(models: readonly ModelFigures[]): Table {
  const rows = models.flatMap(({ sizes, figures }) => {
    const find = (name: string): PlayerFigure => figures.find((figure) => figure.name === name)!;
    const one = find("Meshwright, 1 rank");
    const at = `hidden ${sizes.features}`;
    const against = (other: PlayerFigure, figure: PlayerFigure): string[] => [
      `${(figure.stepMs.median / other.stepMs.median).toFixed(2)}x`,
      `${(figure.stepMs.min / other.stepMs.min).toFixed(2)}x`,
    ];
    return [
      [`1 rank / plain tfjs-node, ${at}`, "at most 1.00x", ...against(find("plain tfjs-node"), one)],
      [`1 rank / PyTorch on 1 rank, ${at}`, "at most 1.30x", ...against(find("PyTorch, 1 rank"), one)],
      ...["tp=2", "dp=2"].flatMap((split) => {
        const figure = find(`Meshwright, ${split}`);
        const bound = sizes.features === 768 ? "1.70x or more" : "-";
        return [
          [
            `speed-up of ${split}, ${at}`,
            bound,
            `${figure.speedup.toFixed(2)}x`,
            `${figure.fastestSpeedup.toFixed(2)}x`,
          ],
          [
            `${split} / PyTorch + gloo, ${split}, ${at}`,
            "below 1.00x",
            ...against(find(`PyTorch, ${split}`), figure),
          ],
        ];
      }),
    ];
  });
  return { header: ["time, or ratio of times", "target", "medians", "fastest"], rows };
}
