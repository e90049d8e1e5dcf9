/**
 * Trains every model in every setting, in one warm world.
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

/** Trains for some steps. */
export async function trainAll(
  steps: number,
  settings: readonly Setting[] = SETTINGS,
): Promise<readonly Training[]> {
  const trainings: Training[] = [];
  const world = await createWorld({
    ranks: Math.max(...settings.map(({ mesh }) => numRanks(mesh))),
  });
  try {
    for (const setting of settings) {
      for (const model of MODELS) {
        const hooks = { ranks: numRanks(setting.mesh) };
        const ranks = await world.run<typeof program>(PROGRAM, { model, setting, steps }, hooks);
        trainings.push({ model, setting, ranks });
      }
    }
  } finally {
    await world.close();
  }
  return trainings;
}
