/**
 * The size of a model.
 *
 * @packageDocumentation
 */
import { elementCount } from "../random/region.ts";
import { namedParameters } from "./module.ts";

/** The number of trainable values below `model`, counted in the global view; no values need exist yet. */
export function countParameters(model: object): number {
  return [...namedParameters(model).values()].reduce((count, { shape }) => count + elementCount(shape), 0);
}
