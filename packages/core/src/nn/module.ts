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
  const seen = new Set<object>();
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null || seen.has(node)) return;
    if (node instanceof Parameter) {
      seen.add(node);
      found.set(path, node);
      return;
    }
    if (!isContainer(node)) return;
    seen.add(node);
    for (const [key, child] of Object.entries(node)) visit(child, path === "" ? key : `${path}.${key}`);
  };
  visit(root, "");
  return found;
}

/** Arrays, plain objects and modules are walked; tensors, meshes, groups and the like are not. */
function isContainer(node: object): boolean {
  if (Array.isArray(node)) return true;
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null || "apply" in node;
}
