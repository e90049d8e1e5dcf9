import { countParameters } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { moeLayers } from "../../moe-layers.ts";
import { activeParameters, totalParameters } from "../active-parameters.ts";
import { flopsPerToken } from "../flops-per-token.ts";
import { moeGPT } from "../moe-gpt.ts";
import { moeLlama } from "../moe-llama.ts";
import { DEEPSEEK_V3, DEEPSEEK_V3_ATTENTION, latentAttentionParameters } from "./deepseek-v3.ts";
import { MIXTRAL_8X7B } from "./mixtral.ts";
import { SWITCH_BASE } from "./switch-base.ts";

describe("presets have the published sizes", () => {
  test("Mixtral 8x7B: 46.7 billion parameters, 12.9 active", () => {
    const model = moeLlama(MIXTRAL_8X7B);
    // The number of elements of mistralai/Mixtral-8x7B-v0.1.
    expect(totalParameters(model)).toBe(46_702_792_704);
    expect(activeParameters(model)).toBe(12_879_925_248);
    const { activeExperts, denseAllExperts } = flopsPerToken(model, { sequence: 4096 });
    expect(activeExperts / denseAllExperts).toBe(0.25);
  });

  test("DeepSeek-V3: 671 billion parameters, 37 active, with its own attention", () => {
    const model = moeLlama(DEEPSEEK_V3);
    expect([...moeLayers(model).keys()].slice(0, 2)).toEqual(["blocks.3.mlp", "blocks.4.mlp"]);
    const attention = model.blocks.reduce((sum, block) => sum + countParameters(block.attention), 0);
    const latent = 61 * latentAttentionParameters(DEEPSEEK_V3_ATTENTION);
    // deepseek-ai/DeepSeek-V3 without its extra block, the biases of the routers included.
    expect(totalParameters(model) - attention + latent).toBe(671_026_419_200);
    // The published 37 billion leave the look-up of a token's embedding out.
    const active = activeParameters(model) - attention + latent - countParameters(model.tokenEmbedding);
    expect(Math.round(active / 1e9)).toBe(37);
  });

  test("Switch-Base: 7.4 billion parameters, one of 128 experts in every other block", () => {
    const model = moeGPT(SWITCH_BASE);
    expect([...moeLayers(model).keys()]).toHaveLength(12);
    expect((totalParameters(model) / 1e9).toFixed(1)).toBe("7.4");
    const { activeExperts, denseAllExperts } = flopsPerToken(model, { sequence: 512 });
    expect(denseAllExperts / activeExperts).toBe(128);
  });
});
