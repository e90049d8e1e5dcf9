import { verifyParallel } from "@meshwright/sharding";
import { expect, test } from "vitest";
import type { LayerCase, LayerTwinOptions } from "./programs/moe-layer-twin.ts";

/** Six layers on five meshes, each with kernels of its own to plan; only a hang takes that long. */
const TIMEOUT_MS = 300_000;
const PROGRAM = new URL("./programs/moe-layer-twin.ts", import.meta.url);
const balance = { loss: 0.3, sequenceLoss: 0.2, zLoss: 0.1, importanceLoss: 0.4 };

const CASES: Readonly<Record<string, LayerCase>> = {
  // 3 sequences of 5 on up to 4 ranks: the last one has none.
  "GELU, all losses": { tokens: [3, 5], numExperts: 8, topK: 2, balance, split: true },
  "SwiGLU, drop by position, shared": {
    ...{ tokens: [11], numExperts: 4, topK: 2, activation: "swiglu", sharedExperts: { hidden: 7 } },
    capacity: { factor: 0.75, renormalize: true },
    balance: { globalLoss: 0.3, biasRate: 0.05 },
    cuts: [4],
  },
  // Two experts get all tokens, 3 on up to 4 ranks.
  "experts without tokens": { tokens: [3], numExperts: 8, topK: 2, skewed: true, balance: { loss: 0.3 } },
  "sigmoid, drop by probability, gathered, experts without tokens": {
    ...{ tokens: [7], numExperts: 8, topK: 3, skewed: true, split: true, dispatcher: "all-gather" },
    ...{ activation: "swiglu", sharedExperts: { hidden: 7 } },
    router: { scoreFunction: "sigmoid", scalingFactor: 2 },
    capacity: { factor: 0.9, drop: "probability" },
    balance: { loss: 0.3, biasRate: 0.05 },
  },
  // 13 tokens on up to 4 ranks; 7 for each of 4 experts, and some for none.
  "expert choice": {
    ...{ tokens: [13], numExperts: 4, topK: 2, expertChoice: true, split: true, cuts: [6] },
    ...{ activation: "swiglu", sharedExperts: { hidden: 7 }, balance: { zLoss: 0.1 } },
  },
  // Fewer tokens than ranks, and than an expert would take.
  "expert choice, gathered": {
    ...{ tokens: [3], numExperts: 8, topK: 8, expertChoice: true, dispatcher: "all-gather" },
    router: { scalingFactor: 2 },
  },
};

test(
  "the layer on every mesh is the layer on one rank: outputs, gradients, losses, norms, weights, loads",
  async () => {
    const comparisons = await verifyParallel<LayerTwinOptions>(PROGRAM, {
      meshes: [{ ep: 2 }, { ep: 4 }, { ep: 2, tp: 2 }, { dp: 2, ep: 2 }],
      options: { cases: CASES },
      // Sums of at most some tens of terms in another order; two steps of AdamW.
      tolerance: 2e-5,
    });
    for (const { name, difference } of comparisons) {
      if (/: (load|leak)$/.test(name)) expect(difference, name).toBe(0);
    }
  },
  TIMEOUT_MS,
);
