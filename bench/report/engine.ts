/**
 * The engine benchmark as tables.
 *
 * @packageDocumentation
 */
import type { EngineBenchResult } from "../engine/run.ts";
import type { Section } from "./table.ts";

/** Matrix products in GFLOP/s, other kernels in nanoseconds per element. */
export function engineSections({ products, kernels, samples }: EngineBenchResult): Section[] {
  return [
    {
      title: `Matrix products on one thread, GFLOP/s; median of ${samples}, interleaved`,
      table: {
        header: ["m x n x k", "engine", "stock wasm", "ratio"],
        rows: products.map(({ name, gflops, stockGflops }) => [
          name,
          gflops.toFixed(1),
          stockGflops.toFixed(1),
          `${(gflops / stockGflops).toFixed(1)}x`,
        ]),
      },
    },
    {
      title: `Kernels on one thread, ns per element of [1024, 1024]; median of ${samples}, interleaved`,
      table: {
        header: ["kernel", "engine", "stock wasm", "ratio"],
        rows: kernels.map(({ name, nsPerElement, stockNsPerElement }) => [
          name,
          nsPerElement.toFixed(2),
          stockNsPerElement?.toFixed(2) ?? "-",
          stockNsPerElement === null ? "-" : `${(stockNsPerElement / nsPerElement).toFixed(1)}x`,
        ]),
      },
    },
  ];
}
