/**
 * Modules: plain objects whose fields are parameters and other modules; a parameter's dotted name is its path.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { Parameter } from "./parameter.ts";

/** Anything with `apply`. Parameters and sub-modules are found through its own fields, arrays included. */
export interface Module {
  apply(input: Tensor, ...rest: never[]): Tensor;
}

/**
 * All parameters below `root` with their dotted names, in field order. A parameter reachable by two paths (tied
 * weights) appears once, under the first.
 *
 * @example
 * ```ts
 * namedParameters({ mlp: { up: new Linear({ inFeatures: 4, outFeatures: 8 }) } }); // Map { "mlp.up.weight" => ... }
 * ```
 */
export function namedParameters(root: object): ReadonlyMap<string, Parameter> {
  const found = new Map<string, Parameter>();
  walk(root, (node, path) => {
    if (node instanceof Parameter) found.set(path, node);
  });
  return found;
}

/**
 * All modules below `root` with their paths, parents first, in field order; `root` itself is `""` if it is one.
 *
 * @example
 * ```ts
 * namedModules(new GeluMLP({ features: 4, hiddenFeatures: 6 })); // Map { "" => ..., "up" => ..., "down" => ... }
 * ```
 */
export function namedModules(root: object): ReadonlyMap<string, Module> {
  const found = new Map<string, Module>();
  walk(root, (node, path) => {
    if (isModule(node)) found.set(path, node);
  });
  return found;
}

/**
 * Sets the `training` flag of every module below `root` that has one, `root` included. Dropout acts only while its flag
 * is true; all modules start with true.
 *
 * @example
 * ```ts
 * setTraining(model, false); // before validation or generation
 * ```
 */
export function setTraining(root: object, training: boolean): void {
  walk(root, (node) => {
    if ("training" in node && typeof node.training === "boolean") node.training = training;
  });
}

/**
 * Sets the `lossScale` of every module below `root` that has one: what its auxiliary losses, which it attaches to its
 * output, are multiplied by. `accumulateGradients` and pipelines set it to each micro-batch's share of the batch.
 *
 * @example
 * ```ts
 * setLossScale(model, 1 / 4); // before the forward pass of one of 4 micro-batches
 * ```
 */
export function setLossScale(root: object, scale: number): void {
  walk(root, (node) => {
    if ("lossScale" in node && typeof node.lossScale === "number") node.lossScale = scale;
  });
}

/** Visits `root` and all it contains once, parents first, in field order. */
export function walk(root: object, visit: (node: object, path: string) => void): void {
  const seen = new Set<object>();
  const descend = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null || seen.has(node)) return;
    const isLeaf = node instanceof Parameter;
    if (!isLeaf && !isContainer(node)) return;
    seen.add(node);
    visit(node, path);
    if (isLeaf) return;
    for (const [key, child] of Object.entries(node)) descend(child, path === "" ? key : `${path}.${key}`);
  };
  descend(root, "");
}

/** Arrays, plain objects and modules are walked; tensors, meshes, groups and the like are not. */
function isContainer(node: object): boolean {
  if (Array.isArray(node)) return true;
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null || "apply" in node;
}

function isModule(node: object): node is Module {
  return "apply" in node && typeof node.apply === "function";
}
