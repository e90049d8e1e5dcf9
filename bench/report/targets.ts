/**
 * What the project aims at beside what was measured.
 *
 * @packageDocumentation
 */
import type { BenchResults } from "../results.ts";
import type { StepFigure } from "../step/run.ts";
import type { Table } from "./table.ts";

/** One row per target; figures of benchmarks that did not run are left out. */
export function targetTable(results: BenchResults): Table {
  return {
    header: ["", "target", "measured", "by processor time"],
    rows: [...overheadRows(results), ...stepRows(results)],
  };
}

function overheadRows(results: BenchResults): string[][] {
  const figures = results["sharding-overhead"]?.figures ?? [];
  return [1, 2].flatMap((ranks) => {
    const ratios = figures.filter((figure) => figure.ranks === ranks).map(({ ratio }) => ratio);
    if (ratios.length === 0) return [];
    const range = `${Math.min(...ratios).toFixed(2)}x to ${Math.max(...ratios).toFixed(2)}x`;
    return [[`tiny sharded operation, against plain tfjs, world of ${ranks}`, "below 2x", range, "-"]];
  });
}

function stepRows(results: BenchResults): string[][] {
  return (results["training-step"]?.models ?? []).flatMap(({ sizes, figures }) => {
    const find = (name: string): StepFigure => figures.find((figure) => figure.name === name)!;
    const [plain, parallel, data] = [find("plain tfjs"), find("tp=2"), find("dp=2")];
    const at = `at hidden ${sizes.features}`;
    const cpu = (ratio: number | null): string => (ratio === null ? "-" : `${ratio.toFixed(2)}x`);
    return [
      [
        `1 sharded rank against plain tfjs, ${at}`,
        "not slower",
        // Both speed-ups are against 1 sharded rank.
        `${(1 / plain.fastestSpeedup).toFixed(2)}x`,
        cpu(plain.cpuSpeedup === null ? null : 1 / plain.cpuSpeedup),
      ],
      ...[["tp=2", parallel] as const, ["dp=2", data] as const].map(([name, figure]) => [
        `${name} against 1 rank, ${at}`,
        sizes.features === 768 && name === "tp=2" ? "1.8x or more" : "-",
        `${figure.speedup.toFixed(2)}x (fastest ${figure.fastestSpeedup.toFixed(2)}x)`,
        cpu(figure.cpuSpeedup),
      ]),
    ];
  });
}
