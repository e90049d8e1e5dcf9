/**
 * The router: a linear gate that sends every token to K of E experts.
 *
 * Legend: T = tokens, D = features, E = experts, K = experts per token.
 *
 * @packageDocumentation
 */
import { ContractError, Linear, namedModules, nextCallIndex, type Module } from "@meshwright/core";
import { add, cast, tidy, type Tensor } from "@tensorflow/tfjs";
import { chooseExperts, type Routing } from "./choose-experts.ts";
import { offerTokens, type Offer } from "./expert-choice.ts";
import { requireFiniteLogits } from "./finite-logits.ts";
import { alongRows, forcedExperts } from "./forced-balance.ts";
import { jitter } from "./jitter.ts";
import { noiseOf } from "./noise.ts";
import { resolveChoice, type Choice, type ChoiceOptions } from "./router-options.ts";

/** Settings of a router. */
export interface RouterOptions extends ChoiceOptions {
  /** D. */
  readonly features: number;
  /** Names the layer in errors, and its random stream; for example `"blocks.1.moe.router"`. */
  readonly name: string;
  /** Multiplies inputs by values in `[1 - jitter, 1 + jitter)` while training. Default: none. */
  readonly jitter?: number;
  /** Adds Gaussian noise of a learned size to the logits while training (noisy top-k gating). Default false. */
  readonly noise?: boolean;
  /** Of jitter and noise. Needed with them. */
  readonly seed?: number;
  /** Ignores the scores and gives every expert the same number of tokens: for benchmarks. Default false. */
  readonly forceBalance?: boolean;
}

/**
 * `logits = x W`, in float32 and without a bias; then {@link chooseExperts}.
 *
 * | tensor    | global shape | on each rank  | placements                              |
 * | --------- | ------------ | ------------- | --------------------------------------- |
 * | `x`       | `[T, D]`     | `[T/p, D]`    | rows split or whole; uneven, empty too  |
 * | `W`       | `[D, E]`     | `[D, E]`      | `Replicate()`                           |
 * | the rest  | see {@link Routing} | rows of `x` | rows of `x`                        |
 *
 * Communication: none. Backward: `dW` is `Partial("sum")` over the axes that split the rows.
 *
 * Each rank looks at the logits that it holds anyway, so a bad one ends the step in which it appears, on the rank that
 * has it; no rank waits for another to find out.
 *
 * @example
 * ```ts
 * const router = new Router({ features: 16, numExperts: 8, topK: 2, name: "router" });
 * initialize({ router }, { seed: 1 });
 * const { experts, weights } = router.route(tf.ones([5, 16])); // [5, 2] each
 * ```
 * @throws ContractError that lists every setting that is wrong or would be ignored.
 * @see Shazeer et al. 2017, "Outrageously large neural networks", https://arxiv.org/abs/1701.06538
 */
export class Router implements Module {
  readonly gate: Linear;
  /** Learns the size of the noise; its weight starts at zero. */
  readonly noise: Linear | undefined;
  readonly choice: Choice;
  readonly name: string;
  readonly jitter: number;
  readonly seed: number;
  readonly forceBalance: boolean;
  /** Whether there is jitter and noise; `setTraining` sets it for a whole model. */
  training = true;
  /** Number of the training step, for errors; {@link setRouterStep} sets it for a whole model. */
  step: number | undefined;
  /** Number of the next call that draws jitter or noise. */
  callIndex = 0;

  constructor(options: RouterOptions) {
    const {
      features,
      numExperts,
      name,
      seed,
      jitter: width = 0,
      noise = false,
      forceBalance = false,
    } = options;
    this.choice = resolveChoice(`Router ${name}`, options);
    if (!(width >= 0 && width < 1)) {
      throw new ContractError(
        `Router ${name}: jitter (${width}) must be in [0, 1); use for example jitter: 0.01.`,
      );
    }
    if ((width > 0 || noise) && seed === undefined) {
      const what = width > 0 ? `jitter (${width})` : "noise (true)";
      throw new ContractError(
        `Router ${name}: seed (undefined) must be given with ${what}; use for example seed: 1.`,
      );
    }
    this.gate = new Linear({ inFeatures: features, outFeatures: numExperts, bias: false });
    const zeros = { kind: "zeros" } as const;
    this.noise = noise
      ? new Linear({ inFeatures: features, outFeatures: numExperts, bias: false, initializer: zeros })
      : undefined;
    this.name = name;
    this.jitter = width;
    this.seed = seed ?? 0;
    this.forceBalance = forceBalance;
  }

  /**
   * The gate alone.
   *
   * @param x - `[T, D]`
   * @returns float32 `[T, E]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return tidy(() => {
      const input = cast(x, "float32");
      if (!this.training || (this.jitter === 0 && this.noise === undefined)) return this.gate.apply(input);
      const stream = { seed: this.seed, name: `${this.name}#${nextCallIndex(this)}` };
      const shaken = this.jitter === 0 ? input : jitter(input, { width: this.jitter, ...stream });
      const logits = this.gate.apply(shaken);
      return this.noise === undefined ? logits : add(logits, noiseOf(this.noise.apply(shaken), stream));
    });
  }

  /**
   * @param x - `[T, D]`
   * @param bias - `[E]`: added to the scores for the choice only; see `BalanceBias`
   * @returns new tensors; the caller's scope owns them
   * @throws ContractError if `x` has another shape, or a logit is not finite (names the layer and the step).
   */
  route(x: Tensor, bias?: Tensor): Routing {
    return tidy(() => {
      const logits = this.#finiteLogits(x);
      const experts = this.forceBalance
        ? alongRows(forcedExperts(logits.shape[0], this.choice), logits)
        : undefined;
      return { ...chooseExperts(logits, this.choice, { bias, experts }) };
    });
  }

  /**
   * The same where the experts choose: every token is offered to every expert.
   *
   * @param x - `[T, D]`
   * @returns new tensors; the caller's scope owns them
   * @throws ContractError as `route` does.
   */
  offer(x: Tensor): Offer {
    return tidy(() => ({ ...offerTokens(this.#finiteLogits(x), this.choice) }));
  }

  #finiteLogits(x: Tensor): Tensor {
    if (x.shape.length !== 2) {
      throw new ContractError(
        `Router ${this.name}: the input (shape [${x.shape.join(", ")}]) must be [tokens, ${this.gate.weight.shape[0]!}]; use x.reshape([-1, ${this.gate.weight.shape[0]!}]).`,
      );
    }
    const logits = this.apply(x);
    requireFiniteLogits(logits, { name: this.name, step: this.step });
    return logits;
  }
}

/**
 * Tells every router below `model` the number of the training step, which its errors name.
 *
 * @example
 * ```ts
 * for (let step = 0; step < 300; step++) {
 *   setRouterStep(model, step);
 *   // forward, backward, update
 * }
 * ```
 */
export function setRouterStep(model: object, step: number): void {
  for (const module of namedModules(model).values()) if (module instanceof Router) module.step = step;
}
