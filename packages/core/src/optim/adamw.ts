/**
 * The AdamW optimizer.
 *
 * @packageDocumentation
 */
import { keep, zerosLike, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { adamWUpdate } from "../kernels/adamw-update.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { NamedGradients } from "./gradients.ts";
import {
  requireKnownNames,
  resolveGroups,
  type ParameterGroup,
  type ParameterSettings,
} from "./parameter-group.ts";
import { learningRateAt, type LearningRate } from "./warmup-cosine.ts";

/** Settings of AdamW; the defaults are those of `torch.optim.AdamW`. */
export interface AdamWOptions {
  /** A number, or a schedule that gets the number of steps done before. Default 1e-3. */
  readonly learningRate?: LearningRate;
  /** Decay of the first and second moment. Default `[0.9, 0.999]`. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled from the gradient. Default 0.01. */
  readonly weightDecay?: number;
  /** Other settings for some parameters; the first group that matches counts. */
  readonly groups?: readonly ParameterGroup[];
  /** Makes a moment of a parameter, all zeros. Default: `tf.zerosLike`, which takes the parameter's placement. */
  readonly createState?: (variable: Tensor, name: string) => Tensor;
}

/** The moments of one parameter, and how often it was updated. */
export interface AdamWState {
  readonly m: Tensor;
  readonly v: Tensor;
  readonly step: number;
}

/**
 * Adam with decoupled weight decay, as `torch.optim.AdamW` computes it (see the kernel `AdamWUpdate`).
 *
 * Communication: none by itself; a gradient that is a partial sum is reduced when the update needs it.
 *
 * @see Loshchilov and Hutter 2019, "Decoupled weight decay regularization", https://arxiv.org/abs/1711.05101
 */
export class AdamW {
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #settings: ReadonlyMap<string, ParameterSettings>;
  readonly #states = new Map<string, AdamWState>();
  readonly #options: Required<Pick<AdamWOptions, "learningRate" | "betas" | "epsilon">>;
  #numSteps = 0;

  /**
   * Allocates two moments per parameter; `dispose` frees them.
   *
   * @throws ContractError if a setting is out of range, a group matches nothing, or a parameter has no values yet.
   */
  constructor(parameters: ReadonlyMap<string, Parameter>, options: AdamWOptions = {}) {
    const {
      learningRate = 1e-3,
      betas = [0.9, 0.999],
      epsilon = 1e-8,
      weightDecay = 0.01,
      groups = [],
    } = options;
    checkSettings({ learningRate, betas, epsilon, weightDecay });
    this.#parameters = parameters;
    this.#options = { learningRate, betas, epsilon };
    this.#settings = resolveGroups("AdamW", parameters, { groups, weightDecay });
    const createState = options.createState ?? ((variable) => zerosLike(variable));
    for (const [name, { variable }] of parameters) {
      const m = keep(createState(variable, name));
      this.#states.set(name, { m, v: keep(createState(variable, name)), step: 0 });
    }
  }

  /** Steps done. */
  get numSteps(): number {
    return this.#numSteps;
  }

  /** The moments by parameter name. They belong to the optimizer and are replaced by the next step. */
  get states(): ReadonlyMap<string, AdamWState> {
    return this.#states;
  }

  /** The learning rate that the next step uses, before the scales of groups. */
  get learningRate(): number {
    return learningRateAt(this.#options.learningRate, this.#numSteps);
  }

  /**
   * Updates every parameter that has a gradient; as in PyTorch, one without is left as it is.
   *
   * @param grads - by parameter name; they stay the caller's
   * @throws ContractError if a gradient belongs to no parameter or has another shape.
   */
  step(grads: NamedGradients): void {
    requireKnownNames("AdamW.step", grads, this.#parameters);
    const learningRate = this.learningRate;
    for (const [name, gradient] of grads) this.#update(name, gradient, learningRate);
    this.#numSteps++;
  }

  /**
   * Replaces the state, for example by that of a checkpoint. Takes ownership of the tensors.
   *
   * @throws ContractError if a name belongs to no parameter.
   */
  restore(numSteps: number, states: ReadonlyMap<string, AdamWState>): void {
    requireKnownNames("AdamW.restore", states, this.#parameters);
    for (const [name, { m, v, step }] of states) this.#replace(name, { m, v, step });
    this.#numSteps = numSteps;
  }

  /** Frees the moments. The optimizer cannot be used afterwards. */
  dispose(): void {
    for (const { m, v } of this.#states.values()) {
      m.dispose();
      v.dispose();
    }
    this.#states.clear();
  }

  #update(name: string, gradient: Tensor, learningRate: number): void {
    const parameter = this.#parameters.get(name)!;
    const settings = this.#settings.get(name)!;
    const state = this.#states.get(name);
    if (state === undefined) {
      throw new ContractError(
        "AdamW.step: the optimizer (disposed) must still hold its moments; use a new AdamW.",
      );
    }
    const [beta1, beta2] = this.#options.betas;
    const step = state.step + 1;
    const [updated, m, v] = adamWUpdate(
      { parameter: parameter.variable, gradient, m: state.m, v: state.v },
      {
        learningRate: learningRate * settings.learningRateScale,
        ...{ beta1, beta2, epsilon: this.#options.epsilon, weightDecay: settings.weightDecay, step },
      },
    );
    parameter.assign(updated);
    this.#replace(name, { m, v, step });
  }

  #replace(name: string, { m, v, step }: AdamWState): void {
    const old = this.#states.get(name);
    this.#states.set(name, { m: keep(m), v: keep(v), step });
    old?.m.dispose();
    old?.v.dispose();
  }
}

function checkSettings(
  settings: Required<Pick<AdamWOptions, "learningRate" | "betas" | "epsilon" | "weightDecay">>,
): void {
  const { learningRate, betas, epsilon, weightDecay } = settings;
  const problems: string[] = [];
  if (typeof learningRate === "number" && !(learningRate >= 0)) {
    problems.push(`learningRate (${learningRate}) must be at least 0; use for example 1e-3`);
  }
  betas.forEach((beta, i) => {
    if (!(beta >= 0 && beta < 1))
      problems.push(`betas[${i}] (${beta}) must be in [0, 1); use for example 0.9`);
  });
  if (!(epsilon >= 0)) problems.push(`epsilon (${epsilon}) must be at least 0; use for example 1e-8`);
  if (!(weightDecay >= 0))
    problems.push(`weightDecay (${weightDecay}) must be at least 0; use for example 0.1`);
  if (problems.length > 0)
    throw new ContractError(`AdamW: settings must be in range:\n- ${problems.join("\n- ")}`);
}
