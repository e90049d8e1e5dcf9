/**
 * Stochastic gradient descent with momentum.
 *
 * @packageDocumentation
 */
import { add, keep, mul, sub, tidy, zerosLike, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { NamedGradients } from "./gradients.ts";
import {
  requireKnownNames,
  resolveGroups,
  type ParameterGroup,
  type ParameterSettings,
} from "./parameter-group.ts";
import { learningRateAt, type LearningRate } from "./warmup-cosine.ts";

/** Settings of SGD; the defaults are those of `torch.optim.SGD`. */
export interface SGDOptions {
  /** A number, or a schedule that gets the number of steps done before. Default 1e-3. */
  readonly learningRate?: LearningRate;
  /** Default 0: no velocity is kept. */
  readonly momentum?: number;
  /** Added to the gradient as `weightDecay * parameter`. Default 0. */
  readonly weightDecay?: number;
  /** Nesterov's momentum. Default false. */
  readonly nesterov?: boolean;
  /** Other settings for some parameters; the first group that matches counts. */
  readonly groups?: readonly ParameterGroup[];
  /** Makes the velocity of a parameter, all zeros. Default: `tf.zerosLike`, which takes the parameter's placement. */
  readonly createState?: (variable: Tensor, name: string) => Tensor;
}

/**
 * `d = g + weightDecay p; u' = momentum u + d; p' = p - learningRate u'`, with `d + momentum u'` in place of `u'` under
 * Nesterov; the velocity `u` starts at 0.
 *
 * @see Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning",
 * https://proceedings.mlr.press/v28/sutskever13.html
 */
export class SGD {
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #settings: ReadonlyMap<string, ParameterSettings>;
  readonly #velocities = new Map<string, Tensor>();
  readonly #learningRate: LearningRate;
  readonly #momentum: number;
  readonly #nesterov: boolean;
  #numSteps = 0;

  /**
   * Allocates a velocity per parameter if there is momentum; `dispose` frees them.
   *
   * @throws ContractError if `momentum` is outside `[0, 1)`, Nesterov has no momentum, a group matches nothing, or a
   * parameter has no values yet.
   */
  constructor(parameters: ReadonlyMap<string, Parameter>, options: SGDOptions = {}) {
    const { learningRate = 1e-3, momentum = 0, weightDecay = 0, nesterov = false, groups = [] } = options;
    if (!(momentum >= 0 && momentum < 1)) {
      throw new ContractError(`SGD: momentum (${momentum}) must be in [0, 1); use for example 0.9.`);
    }
    if (nesterov && momentum === 0) {
      throw new ContractError(
        "SGD: momentum (0) must be above 0 for nesterov; use for example momentum: 0.9.",
      );
    }
    this.#parameters = parameters;
    this.#settings = resolveGroups("SGD", parameters, { groups, weightDecay });
    this.#learningRate = learningRate;
    this.#momentum = momentum;
    this.#nesterov = nesterov;
    if (momentum === 0) return;
    const createState = options.createState ?? ((variable) => zerosLike(variable));
    for (const [name, { variable }] of parameters) {
      this.#velocities.set(name, keep(createState(variable, name)));
    }
  }

  /** Steps done. */
  get numSteps(): number {
    return this.#numSteps;
  }

  /** The velocities by parameter name; empty without momentum. They belong to the optimizer. */
  get velocities(): ReadonlyMap<string, Tensor> {
    return this.#velocities;
  }

  /** The learning rate that the next step uses, before the scales of groups. */
  get learningRate(): number {
    return learningRateAt(this.#learningRate, this.#numSteps);
  }

  /**
   * Updates every parameter that has a gradient; as in PyTorch, one without is left as it is.
   *
   * @param grads - by parameter name; they stay the caller's
   * @throws ContractError if a gradient belongs to no parameter.
   */
  step(grads: NamedGradients): void {
    requireKnownNames("SGD.step", grads, this.#parameters);
    const learningRate = this.learningRate;
    for (const [name, gradient] of grads) this.#update(name, gradient, learningRate);
    this.#numSteps++;
  }

  /**
   * Replaces the state, for example by that of a checkpoint. Takes ownership of the tensors.
   *
   * @throws ContractError if a name belongs to no parameter, or if there is no momentum and so no velocity.
   */
  restore(numSteps: number, velocities: ReadonlyMap<string, Tensor>): void {
    requireKnownNames("SGD.restore", velocities, this.#parameters);
    if (velocities.size > 0 && this.#momentum === 0) {
      throw new ContractError(
        "SGD.restore: momentum (0) must be above 0 for velocities; use the momentum that they come from.",
      );
    }
    for (const [name, velocity] of velocities) {
      const old = this.#velocities.get(name);
      this.#velocities.set(name, keep(velocity));
      old?.dispose();
    }
    this.#numSteps = numSteps;
  }

  /** Frees the velocities. The optimizer cannot be used afterwards. */
  dispose(): void {
    for (const velocity of this.#velocities.values()) velocity.dispose();
    this.#velocities.clear();
  }

  #update(name: string, gradient: Tensor, learningRate: number): void {
    const parameter = this.#parameters.get(name)!;
    const { weightDecay, learningRateScale } = this.#settings.get(name)!;
    const updated = tidy(() => {
      const { variable } = parameter;
      const decayed = weightDecay === 0 ? gradient : add(gradient, mul(variable, weightDecay));
      const direction = this.#momentum === 0 ? decayed : this.#accelerate(name, decayed);
      return sub(variable, mul(direction, learningRate * learningRateScale));
    });
    parameter.assign(updated);
  }

  #accelerate(name: string, gradient: Tensor): Tensor {
    const old = this.#velocities.get(name);
    if (old === undefined) {
      throw new ContractError(
        "SGD.step: the optimizer (disposed) must still hold its velocities; use a new SGD.",
      );
    }
    const velocity = keep(add(mul(old, this.#momentum), gradient));
    this.#velocities.set(name, velocity);
    old.dispose();
    return this.#nesterov ? add(gradient, mul(velocity, this.#momentum)) : velocity;
  }
}
