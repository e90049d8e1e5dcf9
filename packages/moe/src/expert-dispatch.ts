/**
 * Brings tokens to the experts of all ranks, and what these make of them back.
 *
 * Legend: T = tokens, D = features, K = choices per token, e = ranks on the expert axis.
 *
 * | dispatcher   | forward                                             | rows that travel              |
 * | ------------ | --------------------------------------------------- | ----------------------------- |
 * | all-to-all   | counts, rows to their experts, rows back            | a token once per choice       |
 * | all-gather   | tokens and weights to all ranks, reduce-scatter     | every token to every rank     |
 *
 * Backward: the same moves the other way. All-gather is for few ranks, or K near e: it needs no counts.
 *
 * @packageDocumentation
 */
import {
  localMap,
  Partial,
  redistribute,
  Replicate,
  Shard,
  type Placement,
  type PlacementSpec,
} from "@meshwright/sharding";
import type { Tensor } from "@tensorflow/tfjs";
import { expertParameters, expertPlacements, type Experts } from "./experts.ts";
import type { ResolvedParallel } from "./moe-layer-options.ts";
import { tokenPlacements } from "./rank-rows.ts";
import type { TokenPlan } from "./token-plan.ts";
import { visitExperts, type ExpertPlaces } from "./visit-experts.ts";

/** How tokens get to experts. */
export interface DispatchOptions {
  readonly parallel: ResolvedParallel | undefined;
  readonly dispatcher: "all-to-all" | "all-gather";
  /** See `keptWeights`. */
  readonly renormalize: boolean;
}

/** One layer's way to its experts. */
export class ExpertDispatch {
  /** Where the rows lie that visit the experts: as the tokens, or gathered over the expert axis. */
  readonly at: PlacementSpec;
  readonly #experts: Experts;
  readonly #options: DispatchOptions;

  constructor(experts: Experts, options: DispatchOptions) {
    const { parallel, dispatcher } = options;
    const gathered = dispatcher === "all-gather" ? parallel?.expertAxis : undefined;
    this.at = {
      ...(parallel && tokenPlacements(parallel)),
      ...(gathered !== undefined && { [gathered]: Replicate() }),
    };
    this.#experts = experts;
    this.#options = options;
  }

  /**
   * The weighted sum of what the experts make of each token.
   *
   * @param tokens - `[T, D]`
   * @param weights - `[T, K]`
   * @param plan - of the rows that lie as `at` says
   * @returns `[T, D]`, `Partial("sum")` over the tensor axis; the caller's scope owns it
   */
  run(tokens: Tensor, weights: Tensor, plan: TokenPlan): Tensor {
    const { parallel, renormalize } = this.#options;
    const parameters = expertParameters(this.#experts).map(({ variable }) => variable);
    const options = { places: this.#places(tokens.shape), renormalize };
    if (parallel === undefined) return visitExperts({ x: tokens, weights, parameters }, plan, options);
    const hiddenDims = [2, 1, 2].slice(0, parameters.length);
    const visit = localMap(
      (...locals: Tensor[]) => {
        const [x, w, ...local] = locals as [Tensor, Tensor, ...Tensor[]];
        return visitExperts({ x, weights: w, parameters: local }, plan, options);
      },
      {
        mesh: parallel.mesh,
        in: [this.at, this.at, ...hiddenDims.map((dim) => expertPlacements(parallel, dim))],
        out: this.#summands(parallel),
        outShapes: (shape) => [shape],
      },
    );
    const y = visit(tokens, weights, ...parameters);
    return options.places.kind === "gathered" ? redistribute(y, { [parallel.expertAxis!]: Shard(0) }) : y;
  }

  /** Where the experts' outputs lie: summands on the tensor axis, and on the expert axis where tokens are gathered. */
  #summands({ expertAxis, tensorAxis }: ResolvedParallel): PlacementSpec {
    const summed: Record<string, Placement> = {};
    if (tensorAxis !== undefined) summed[tensorAxis] = Partial("sum");
    if (expertAxis !== undefined && this.at[expertAxis]?.kind === "replicate")
      summed[expertAxis] = Partial("sum");
    return { ...this.at, ...summed };
  }

  #places(shape: readonly number[]): ExpertPlaces {
    const { parallel, dispatcher } = this.#options;
    const { mesh, expertAxis } = parallel ?? {};
    if (mesh === undefined || expertAxis === undefined) return { kind: "here" };
    const group = mesh.group(expertAxis);
    if (dispatcher === "all-gather") return { kind: "gathered", group };
    return group.size === 1 ? { kind: "here" } : { kind: "exchanged", group, shape };
  }
}
