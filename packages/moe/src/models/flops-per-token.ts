/**
 * The work that a token is.
 *
 * @packageDocumentation
 */
import { ContractError, namedParameters, type GPT, type Llama } from "@meshwright/core";
import { moeLayers } from "../moe-layers.ts";

/** Floating-point operations of one token's forward pass; a training step takes three times as many. */
export interface FlopsPerToken {
  /** Of the products with weights, and of attention: what a token takes. */
  readonly active: number;
  /** The same, if every token visited every expert. */
  readonly denseAll: number;
  /** The part of `active` that is experts'. Shared experts are not among them. */
  readonly activeExperts: number;
  /** The part of `denseAll` that is experts'. */
  readonly denseAllExperts: number;
}

/**
 * Counts 2 per weight of a product and token, and `4 T A` for the scores and sums of an attention of A features over T
 * positions, the masked half included. Look-ups, norms, activations and routing beyond the gate's product are left out.
 *
 * With E experts and K per token, a share of `1 - K / E` of the experts' work is saved: 97% for 2 of 64.
 *
 * @param options - `sequence`: T
 * @example
 * ```ts
 * const { activeExperts, denseAllExperts } = flopsPerToken(model, { sequence: 1024 });
 * console.log(`${(100 * (1 - activeExperts / denseAllExperts)).toFixed(0)}% fewer`);
 * ```
 * @throws ContractError if `sequence` is not a positive integer.
 * @see Chowdhery et al. 2022, "PaLM", appendix B, https://arxiv.org/abs/2204.02311
 */
export function flopsPerToken(
  model: GPT | Llama,
  { sequence }: { readonly sequence: number },
): FlopsPerToken {
  if (!Number.isInteger(sequence) || sequence < 1) {
    throw new ContractError(
      `flopsPerToken: sequence (${sequence}) must be a positive integer; use the positions of a sequence, for example 1024.`,
    );
  }
  let [activeExperts, denseAllExperts] = [0, 0];
  for (const { experts, router } of moeLayers(model).values()) {
    const { numExperts, topK } = router.choice;
    const all = productFlops(experts);
    denseAllExperts += all;
    activeExperts += (all / numExperts) * topK;
  }
  const { blocks, finalNorm, head } = model;
  const rest = productFlops({ blocks, finalNorm, head }) - denseAllExperts + attentionFlops(blocks, sequence);
  return {
    active: rest + activeExperts,
    denseAll: rest + denseAllExperts,
    ...{ activeExperts, denseAllExperts },
  };
}

/** 2 per element of every matrix. Vectors are added or multiplied element by element. */
function productFlops(modules: object): number {
  const matrices = [...namedParameters(modules).values()].filter(({ shape }) => shape.length > 1);
  return matrices.reduce((sum, { shape }) => sum + 2 * shape.reduce((a, b) => a * b, 1), 0);
}

function attentionFlops(blocks: object, sequence: number): number {
  const queries = [...namedParameters({ blocks })].filter(([name]) =>
    name.endsWith("attention.query.weight"),
  );
  return queries.reduce((sum, [, { shape }]) => sum + 4 * sequence * shape[1]!, 0);
}
