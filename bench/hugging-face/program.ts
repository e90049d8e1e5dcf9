/**
 * What every rank of the Hugging Face benchmark runs: saves a model once, and loads it several times.
 *
 * @packageDocumentation
 */
import {
  configFromGPTOptions,
  configFromLlamaOptions,
  defineProgram,
  initialize,
  loadHuggingFace,
  saveHuggingFace,
} from "@meshwright/core";
import { createMesh, parallelGPT, parallelLlama } from "@meshwright/sharding";

/** Options of the program. */
export interface HuggingFaceBenchOptions {
  readonly kind: "gpt2" | "llama";
  readonly tp: number;
  readonly folder: string;
  readonly rounds: number;
}

/** Figures of one rank. */
export interface HuggingFaceBenchResult {
  readonly bytesRead: number;
  readonly saveMs: number;
  /** One per round. */
  readonly loadMs: readonly number[];
}

/** GPT-2 small. */
const GPT_SIZES = {
  ...{ vocabSize: 50_257, contextLength: 1024, features: 768, heads: 12, layers: 12, tiedEmbeddings: true },
};
/** As large, with Llama's proportions. */
const LLAMA_SIZES = {
  ...{ vocabSize: 32_000, contextLength: 1024, features: 1024, heads: 16, keyValueHeads: 4, layers: 8 },
  mlpFeatures: 2816,
};

export default defineProgram<HuggingFaceBenchOptions, never, HuggingFaceBenchResult>(({ world, options }) => {
  const { kind, tp, folder, rounds } = options;
  const { group } = world;
  const split = { mesh: createMesh(world, { tp }), axis: "tp" } as const;
  const model =
    kind === "gpt2" ? parallelGPT({ ...split, ...GPT_SIZES }) : parallelLlama({ ...split, ...LLAMA_SIZES });
  const config = kind === "gpt2" ? configFromGPTOptions(GPT_SIZES) : configFromLlamaOptions(LLAMA_SIZES);
  initialize(model, { seed: 1 });
  const saveStart = performance.now();
  saveHuggingFace(model, folder, { config, group });
  const saveMs = performance.now() - saveStart;
  const loadMs: number[] = [];
  let bytesRead = 0;
  for (let round = 0; round < rounds; round++) {
    group.barrier();
    const start = performance.now();
    bytesRead = loadHuggingFace(model, folder).bytesRead.data;
    group.barrier();
    loadMs.push(performance.now() - start);
  }
  return { bytesRead, saveMs, loadMs };
});
