/**
 * Measures every call on worlds of 2 and 3 ranks, on each engine that needs no download.
 *
 * @packageDocumentation
 */
import { createWorld, type EngineName } from "@meshwright/core";
import { allCalls } from "./all-calls.ts";
import type measureRanks from "./measure-ranks.ts";
import type { RankMeasurement } from "./measure-ranks.ts";
import type { Measured, MeasuredCall, Outcome } from "./measured.ts";

const ENGINES: readonly EngineName[] = ["wasm", "cpu"];
const WORLD_SIZES = [2, 3];

/** Runs the measurement; about a minute and a half. */
export async function collect(): Promise<Measured> {
  const byEngine: Partial<Record<EngineName, RankMeasurement[]>> = {};
  for (const engine of ENGINES) {
    byEngine[engine] = [];
    for (const ranks of WORLD_SIZES) byEngine[engine].push(...(await measureWorld(engine, ranks)));
  }
  const first = (engine: EngineName): RankMeasurement => byEngine[engine]![0]!;
  return {
    calls: allCalls.map(({ kernel, variant, onlyOn }, i): MeasuredCall => {
      const has = ENGINES.filter((engine) => onlyOn === undefined || onlyOn === engine);
      const engines = has.map((engine) => [
        engine,
        worst(byEngine[engine]!.map(({ outcomes }) => outcomes[i]!)),
      ]);
      const measured = { kernel, engines: Object.fromEntries(engines) as MeasuredCall["engines"] };
      return variant === undefined ? measured : { ...measured, variant };
    }),
    samples: Object.assign({}, ...ENGINES.map((engine) => first(engine).samples)) as Measured["samples"],
    engines: Object.fromEntries(ENGINES.map((engine) => [engine, first(engine).engine])),
  };
}

async function measureWorld(engine: EngineName, ranks: number): Promise<RankMeasurement[]> {
  const world = await createWorld({ ranks, engine, output: () => undefined });
  try {
    return await world.run<typeof measureRanks>(new URL("./measure-ranks.ts", import.meta.url));
  } finally {
    await world.close();
  }
}

/** The first outcome that failed, or the first. */
function worst(outcomes: readonly Outcome[]): Outcome {
  const failed = (text: string): boolean => text !== "equal" && text !== "none";
  return (
    outcomes.find(({ value }) => failed(value)) ??
    outcomes.find(({ gradient }) => failed(gradient)) ??
    outcomes[0]!
  );
}
