/**
 * The backward pass over a tape of our own, at once or in two steps.
 *
 * ```
 *   all      for each step: open, gradients of all its inputs, close
 *   first    for each step: open, gradients of what depends on a first leaf; close, or leave open if more is wanted
 *   second   for each step left: open if new, gradients of the rest, close
 * ```
 *
 * To open a step calls its gradient function with the gradients of the outputs (a fused gradient kernel runs here, once);
 * to close it frees those, and what the step saved. A tensor's gradient is the sum over its users in the reverse order of
 * the forward pass, in both ways, as in tfjs: the bits are the same.
 *
 * @packageDocumentation
 */
import { engine, tidy, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { activationsOf } from "./activations.ts";
import { firstNewId, inScope, keepMade } from "./engine-tape.ts";
import { requireLike } from "./gradient-check.ts";
import { HeldTensors } from "./held-tensors.ts";
import { neededData } from "./shape-only.ts";
import { lastUses, planTape, wantedInputs, type Leaves, type Step } from "./tape-plan.ts";
import type {
  GradientClosures,
  GradientWalk,
  LeafGradients,
  SecondLeafObserver,
  TapeNode,
} from "./tape-node.ts";

/** A step whose output gradients are known, between open and close. */
interface OpenStep {
  readonly closures: GradientClosures;
  /** Held until the step closes. */
  readonly held: readonly Tensor[];
}

/** A step that waits for the second pass. */
interface WaitingStep {
  readonly step: Step;
  readonly open: OpenStep | GradientWalk | undefined;
}

/** Walks a tape backwards. Owns what the tape's nodes saved. */
export class ReverseWalk implements GradientWalk {
  readonly #leaves: Leaves;
  readonly #held = new HeldTensors();
  /** Gradients so far, by the id of the tensor. */
  readonly #gradients = new Map<number, Tensor>();
  #tape: readonly TapeNode[];
  #steps: readonly Step[];
  #waiting: WaitingStep[] = [];

  /**
   * @param tape - what was recorded; nodes without a part in the backward pass lose what they saved at once
   * @throws ContractError if a kernel on the way has no gradient. Everything saved is freed then.
   */
  constructor(tape: readonly TapeNode[], leaves: Leaves) {
    const { steps, dropped } = planTape(tape, leaves);
    for (const { saved } of dropped) for (const tensor of saved) tensor.dispose();
    for (const { node } of steps) {
      for (const tensor of neededData(node)) this.#held.hold(tensor);
      if (neededData(node) !== node.saved) for (const tensor of node.saved) tensor.dispose();
    }
    this.#tape = tape;
    this.#steps = steps;
    this.#leaves = leaves;
    const node = steps.find((step) => step.node.gradient === undefined)?.node;
    if (node !== undefined) {
      this.dispose();
      throw new ContractError(
        `vjp: kernel (${node.kernelName}) must have a gradient where it lies between what is differentiated and the value; use other operations, tf.registerGradient, or tf.customGrad.`,
      );
    }
  }

  first(dy: Tensor): LeafGradients {
    this.#run(() => {
      this.#start(dy);
      for (const step of this.#takeSteps()) this.#visitFirst(step);
    });
    return this.#give(this.#leaves.first);
  }

  second(): LeafGradients {
    this.#run(() => {
      const waiting = this.#waiting;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) this.#visitSecond(next);
    });
    return this.#finish(() => this.#give(this.#leaves.second));
  }

  all(dy: Tensor, onSecond?: SecondLeafObserver): { first: LeafGradients; second: LeafGradients } {
    this.#run(() => {
      this.#start(dy);
      const steps = this.#takeSteps();
      const finished = onSecond === undefined ? undefined : lastUses(steps, this.#leaves.second);
      for (const step of steps) {
        this.#visitWhole(step);
        for (const leaf of finished?.get(step) ?? []) {
          onSecond!(leaf, this.#gradients.get(this.#leaves.second[leaf]!.id));
        }
      }
    });
    return this.#finish(() => ({
      first: this.#give(this.#leaves.first),
      second: this.#give(this.#leaves.second),
    }));
  }

  dispose(): void {
    for (const { open } of this.#waiting) if (isWalk(open)) open.dispose();
    this.#held.clear();
    this.#gradients.clear();
    this.#waiting = [];
    this.#steps = [];
    this.#tape = [];
  }

  held(): readonly Tensor[] {
    return [...this.#held.tensors(), ...this.#children().flatMap((child) => child.held())];
  }

  activations(): ReadonlyMap<number, Tensor> {
    const own = activationsOf(this.#held.tensors(), this.#tape);
    return new Map([...this.#children().flatMap((child) => [...child.activations()]), ...own]);
  }

  /** Runs a pass in a scope of its own; frees everything if it fails. */
  #run(body: () => void): void {
    try {
      inScope(body);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #finish<R>(results: () => R): R {
    try {
      return results();
    } finally {
      this.dispose();
    }
  }

  #start(dy: Tensor): void {
    this.#gradients.set(this.#leaves.output.id, this.#held.adopt(dy, firstNewId()));
  }

  #takeSteps(): readonly Step[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }

  #visitFirst(step: Step): void {
    if (step.first.length === 0) {
      this.#waiting.push({ step, open: undefined });
      return;
    }
    const { node, first, second } = step;
    if (second.length === 0) {
      this.#visitWhole(step);
    } else if (node.recompute !== undefined) {
      this.#withRecomputed(step, (walk, dy) => {
        this.#waiting.push({ step, open: walk });
        this.#addAll(node, first, walk.first(dy));
      });
    } else {
      const open = this.#open(step);
      if (open === undefined) return;
      this.#waiting.push({ step, open });
      this.#pull(step, first, open);
    }
  }

  #visitSecond({ step, open }: WaitingStep): void {
    if (open === undefined) {
      this.#visitWhole(step);
    } else if (isWalk(open)) {
      this.#addAll(step.node, step.second, open.second());
    } else {
      this.#pull(step, step.second, open);
      this.#close(open);
    }
  }

  #visitWhole(step: Step): void {
    const { node, first, second } = step;
    if (node.recompute !== undefined) {
      this.#withRecomputed(step, (walk, dy) => {
        const gradients = walk.all(dy);
        this.#addAll(node, first, gradients.first);
        this.#addAll(node, second, gradients.second);
      });
      return;
    }
    const open = this.#open(step);
    if (open === undefined) return;
    this.#pull(step, first, open);
    this.#pull(step, second, open);
    this.#close(open);
  }

  /** Recomputes a checkpoint; what it saved is free then, because the walk over it holds its own. */
  #withRecomputed({ node, first, second }: Step, use: (walk: GradientWalk, dy: Tensor) => void): void {
    const [dy] = this.#takeGradients(node);
    const walk = dy === undefined ? undefined : node.recompute!({ first, second });
    for (const tensor of node.saved) this.#held.release(tensor);
    if (dy === undefined || walk === undefined) return;
    use(walk, dy);
    this.#held.release(dy);
  }

  /** Calls the gradient function; `undefined` if no gradient arrived. */
  #open(step: Step): OpenStep | undefined {
    const { node } = step;
    const dys = this.#takeGradients(node);
    const held = [...neededData(node)];
    const hasArrived = dys.some((dy) => dy !== undefined);
    if (!hasArrived) {
      this.#close({ closures: {}, held });
      return undefined;
    }
    for (const dy of dys) if (dy !== undefined) held.push(dy);
    const inputs = wantedInputs(step);
    const { result, made } = keepMade(() => node.gradient!.call({ inputs }, dys));
    for (const tensor of made) this.#held.hold(tensor);
    return { closures: result, held: made.length === 0 ? held : [...held, ...made] };
  }

  #close({ held }: OpenStep): void {
    for (const tensor of held) this.#held.release(tensor);
  }

  #takeGradients({ outputs }: TapeNode): (Tensor | undefined)[] {
    return outputs.map(({ id }) => {
      const dy = this.#gradients.get(id);
      this.#gradients.delete(id);
      return dy;
    });
  }

  #pull({ node }: Step, names: readonly string[], { closures }: OpenStep): void {
    for (const name of names) {
      const closure = closures[name];
      if (closure === undefined) {
        throw new ContractError(
          `Pullback: the gradient of ${node.kernelName} must give a function for input "${name}", but gives only ${Object.keys(closures).join(", ")}; use a gradient that covers all float inputs.`,
        );
      }
      const since = firstNewId();
      this.#add(node, name, this.#held.adopt(tidy(closure), since));
    }
  }

  #addAll(node: TapeNode, names: readonly string[], gradients: LeafGradients): void {
    names.forEach((name, i) => {
      const gradient = gradients[i];
      if (gradient === undefined) return;
      this.#held.hold(gradient);
      this.#add(node, name, gradient);
    });
  }

  /** Adds a held gradient to that of a node's input. */
  #add(node: TapeNode, name: string, gradient: Tensor): void {
    const x = node.inputs[name]!;
    requireLike(node, name, gradient);
    const current = this.#gradients.get(x.id);
    if (current === undefined) {
      this.#gradients.set(x.id, gradient);
      return;
    }
    const sum = engine().runKernel<Tensor>("Add", { a: current, b: gradient });
    this.#held.hold(sum);
    this.#held.release(current);
    this.#held.release(gradient);
    this.#gradients.set(x.id, sum);
  }

  #give(leaves: readonly Tensor[]): LeafGradients {
    return leaves.map(({ id }) => {
      const gradient = this.#gradients.get(id);
      this.#gradients.delete(id);
      return gradient && this.#held.give(gradient);
    });
  }

  #children(): readonly GradientWalk[] {
    return this.#waiting.map(({ open }) => open).filter(isWalk);
  }
}

function isWalk(open: OpenStep | GradientWalk | undefined): open is GradientWalk {
  return open !== undefined && "second" in open;
}
