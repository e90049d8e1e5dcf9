/**
 * The feed-forward networks of all local experts, on rows that are sorted by expert.
 *
 * Legend: E = local experts, N = rows, D = features, F = hidden features.
 *
 * ```text
 * GELU     y = gelu(x U_e) V_e                    [N, D] -> [N, F] -> [N, D]
 * SwiGLU   y = (silu(x G_e) * x U_e) V_e          silu(z) = z sigmoid(z)
 * ```
 *
 * Projections have no bias, as in Mixtral and DeepSeek. The activation runs once over the rows of all experts.
 *
 * @packageDocumentation
 */
import { engine, mul, sigmoid, tidy, type Tensor } from "@tensorflow/tfjs";
import { groupedLinear } from "./grouped-linear.ts";

/** Weights of the experts of a rank. */
export interface GeluExperts {
  /** `[E, D, F]` */
  readonly up: Tensor;
  /** `[E, F, D]` */
  readonly down: Tensor;
}

/** Weights of the experts of a rank. */
export interface SwiGLUExperts extends GeluExperts {
  /** `[E, D, F]` */
  readonly gate: Tensor;
}

/**
 * `gelu(x U_e) V_e` for each row by its expert.
 *
 * @param x - `[N, D]` float32, sorted by expert
 * @param options - `counts`: rows of each expert, `[E]`; `approximate`: the form of GELU, default `"tanh"`
 * @returns `[N, D]`; the caller's scope owns it
 * @throws ContractError if the counts do not add up to N, or a shape does not fit.
 */
export function groupedGeluMLP(
  x: Tensor,
  { up, down }: GeluExperts,
  { counts, approximate = "tanh" }: { readonly counts: Int32Array; readonly approximate?: "tanh" | "none" },
): Tensor {
  return tidy(() => {
    const hidden = groupedLinear(x, up, counts); // [N, D] -> [N, F]
    const active =
      hidden.size === 0 ? hidden : engine().runKernel<Tensor>("Gelu", { x: hidden }, { approximate });
    return groupedLinear(active, down, counts); // [N, F] -> [N, D]
  });
}

/**
 * `(silu(x G_e) * x U_e) V_e` for each row by its expert.
 *
 * @param x - `[N, D]` float32, sorted by expert
 * @param options - `counts`: rows of each expert, `[E]`
 * @returns `[N, D]`; the caller's scope owns it
 * @throws ContractError if the counts do not add up to N, or a shape does not fit.
 * @see Shazeer 2020, "GLU variants improve transformer", https://arxiv.org/abs/2002.05202
 */
export function groupedSwiGLUMLP(
  x: Tensor,
  { gate, up, down }: SwiGLUExperts,
  { counts }: { readonly counts: Int32Array },
): Tensor {
  return tidy(() => {
    const gated = groupedLinear(x, gate, counts); // [N, D] -> [N, F]
    const hidden = mul(mul(gated, sigmoid(gated)), groupedLinear(x, up, counts));
    return groupedLinear(hidden, down, counts); // [N, F] -> [N, D]
  });
}
