/**
 * What every rank of the checkpoint benchmark runs: saves, and loads on the same mesh.
 *
 * @packageDocumentation
 */
import { AdamW, defineProgram, initialize, namedParameters } from "@meshwright/core";
import { createMesh, loadCheckpoint, localBytes, parallelGPT, saveCheckpoint } from "@meshwright/sharding";

/** Options of the program. */
export interface CheckpointBenchOptions {
  readonly tp: number;
  readonly features: number;
  readonly layers: number;
  readonly dir: string;
  readonly rounds: number;
}

/** Milliseconds of one rank, one per round. */
export interface CheckpointBenchResult {
  /** Parameters and moments on this rank. */
  readonly bytes: number;
  /** How long `saveCheckpoint` keeps the training waiting, and until the checkpoint is complete. */
  readonly blocking: readonly number[];
  readonly asyncBlocked: readonly number[];
  readonly asyncComplete: readonly number[];
  readonly load: readonly number[];
  readonly loadUnverified: readonly number[];
}

export default defineProgram<CheckpointBenchOptions, never, CheckpointBenchResult>(
  async ({ world, options }) => {
    const { tp, features, layers, dir, rounds } = options;
    const mesh = createMesh(world, { tp });
    const model = parallelGPT({
      ...{ mesh, axis: "tp", vocabSize: 512, contextLength: 128, features, heads: 8, layers },
    });
    initialize(model, { seed: 1 });
    const parameters = namedParameters(model);
    const optimizer = new AdamW(parameters);
    const moments = [...optimizer.states.values()].flatMap(({ m, v }) => [m, v]);
    const bytes = localBytes([...[...parameters.values()].map(({ variable }) => variable), ...moments]);
    const state = { model, optimizer };
    const result = {
      ...{ blocking: [] as number[], asyncBlocked: [] as number[], asyncComplete: [] as number[] },
      ...{ load: [] as number[], loadUnverified: [] as number[] },
    };
    for (let step = 0; step < rounds; step++) {
      const start = performance.now();
      await saveCheckpoint(dir, { ...state, step: 2 * step }, { mesh, keep: 1 });
      result.blocking.push(performance.now() - start);
      world.group.barrier();
      const begun = performance.now();
      const pending = await saveCheckpoint(
        dir,
        { ...state, step: 2 * step + 1 },
        { mesh, keep: 1, async: true },
      );
      result.asyncBlocked.push(performance.now() - begun);
      await pending.finished();
      result.asyncComplete.push(performance.now() - begun);
      for (const verify of [true, false]) {
        const from = performance.now();
        await loadCheckpoint(dir, state, { mesh, verify });
        (verify ? result.load : result.loadUnverified).push(performance.now() - from);
      }
    }
    return { bytes, ...result };
  },
);
