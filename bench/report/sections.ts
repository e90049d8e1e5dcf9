/**
 * The tables of each benchmark.
 *
 * @packageDocumentation
 */
import type { BenchmarkName, BenchResults } from "../results.ts";
import { collectivesSections } from "./collectives.ts";
import { engineSections } from "./engine.ts";
import { overheadSections } from "./sharding-overhead.ts";
import { pipelineSections } from "./pipeline.ts";
import type { Section } from "./table.ts";
import { stepSections } from "./training-step.ts";

/** The tables of one benchmark; none if it did not run. */
export function sectionsOf(name: BenchmarkName, results: BenchResults): Section[] {
  switch (name) {
    case "collectives":
      return tablesOf(results[name], collectivesSections);
    case "sharding-overhead":
      return tablesOf(results[name], overheadSections);
    case "training-step":
      return tablesOf(results[name], stepSections);
    case "engine":
      return tablesOf(results[name], engineSections);
    case "pipeline":
      return tablesOf(results[name], pipelineSections);
  }
}

function tablesOf<Result>(result: Result | undefined, show: (result: Result) => Section[]): Section[] {
  return result === undefined ? [] : show(result);
}
