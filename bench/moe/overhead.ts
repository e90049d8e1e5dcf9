/**
 * What one rank measures of a whole layer and of its parts, forward and backward, in turn.
 *
 * @packageDocumentation
 */
import { defineProgram, initialize, namedParameters } from "@meshwright/core";
import { groupedGeluMLP, MoELayer, permuteTokens, planPermutation, unpermuteTokens } from "@meshwright/moe";
import * as tf from "@tensorflow/tfjs";
import { interleave } from "../statistics.ts";
import { differentiate, wave, type MoESizes } from "./sizes.ts";

/** The layer, or a part of it. */
export type LayerPart = "layer" | "router" | "moving" | "experts";

/** Options of the program. */
export interface OverheadOptions {
  readonly sizes: MoESizes;
  readonly seed: number;
  readonly rounds: number;
  readonly warmUp: number;
}

/** What the rank measured. */
export interface OverheadResult {
  /** Milliseconds per sample. */
  readonly milliseconds: Readonly<Record<LayerPart, readonly number[]>>;
  /** Rows of each expert. */
  readonly counts: readonly number[];
}

export default defineProgram<OverheadOptions, never, OverheadResult>(({ options }) => {
  const { sizes, seed, rounds, warmUp } = options;
  const { tokens, features, hidden, experts: numExperts, topK } = sizes;
  const layer = new MoELayer({ features, hidden, numExperts, topK, name: "moe" });
  initialize({ layer }, { seed });
  const parameters = [...namedParameters(layer).values()].map(({ variable }) => variable);
  const x = tf.variable(wave([tokens, features], 1));
  const dy = wave([tokens, features], 2);
  const { experts, weights } = layer.router.route(x);
  const [kept, dWeights] = [tf.variable(weights), wave([tokens, topK], 3)];
  const chosen = experts.dataSync<"int32">();
  const plan = () => planPermutation({ experts: chosen, numTokens: tokens, topK, numExperts });
  const { counts } = plan();
  const rows = tf.variable(permuteTokens(x, plan()));
  const dRows = wave(rows.shape, 4);
  const [up, down] = [layer.experts.up.variable, layer.experts.down.variable];
  const time = (body: () => tf.Tensor, at: Parameters<typeof differentiate>[1]): number => {
    const start = performance.now();
    differentiate(body, at);
    return performance.now() - start;
  };
  const milliseconds = interleave<LayerPart>(
    {
      layer: () => time(() => layer.apply(x), { dy, by: [x, ...parameters] }),
      router: () =>
        time(() => layer.router.route(x).weights, {
          dy: dWeights,
          by: [x, layer.router.gate.weight.variable],
        }),
      moving: () =>
        time(
          () => {
            const permutation = plan();
            return unpermuteTokens(permuteTokens(x, permutation), kept, permutation);
          },
          { dy, by: [x, kept] },
        ),
      experts: () =>
        time(() => groupedGeluMLP(rows, { up, down }, { counts }), { dy: dRows, by: [rows, up, down] }),
    },
    { rounds, warmUp },
  );
  return { milliseconds, counts: [...counts] };
});
