/**
 * Trains every model in every setting, on one warm world per number of ranks.
 *
 * @packageDocumentation
 */
import { createWorld } from "@meshwright/core";
import type program from "../programs/train-on-mesh.ts";
import type { TrainFacts } from "../programs/train-on-mesh.ts";
import { MODELS, numRanks, SETTINGS, type ModelName, type Setting } from "./settings.ts";

const PROGRAM = new URL("../programs/train-on-mesh.ts", import.meta.url);

/** What the ranks of one training saw. */
export interface Training {
  readonly model: ModelName;
  readonly setting: Setting;
  readonly ranks: readonly TrainFacts[];
}

/** Trains for some steps; fewest ranks first. */
export async function trainAll(
  steps: number,
  settings: readonly Setting[] = SETTINGS,
): Promise<readonly Training[]> {
  const trainings: Training[] = [];
  const counts = [...new Set(settings.map(({ mesh }) => numRanks(mesh)))].sort((a, b) => a - b);
  for (const ranks of counts) {
    const world = await createWorld({ ranks, engine: "wasm" });
    try {
      for (const setting of settings.filter(({ mesh }) => numRanks(mesh) === ranks)) {
        for (const model of MODELS) {
          const facts = await world.run<typeof program>(PROGRAM, { model, setting, steps });
          trainings.push({ model, setting, ranks: facts });
        }
      }
    } finally {
      await world.close();
    }
  }
  return trainings;
}
