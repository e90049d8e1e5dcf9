/**
 * Index tuples into the leading dims of a tensor that a rank holds in part.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { Layout } from "../layout.ts";

/**
 * The number of the slice that the tuple of global indices points at, counted in this rank's part of the tensor; -1:
 * another rank has it.
 *
 * @throws ContractError if an index is outside its dim.
 */
export function localSlice(
  kernel: string,
  tuple: ArrayLike<number>,
  { shape, localShape, offset }: Pick<Layout, "shape" | "localShape" | "offset">,
): number {
  let slice = 0;
  let isHere = true;
  for (let dim = 0; dim < tuple.length; dim++) {
    const index = tuple[dim]!;
    if (index < 0 || index >= shape[dim]!) {
      throw new ContractError(
        `${kernel}: index (${index}) into dim ${dim} must be in [0, ${shape[dim]!}) for a tensor of shape [${shape.join(", ")}]; use indices below the sizes of the dims.`,
      );
    }
    const row = index - offset[dim]!;
    isHere &&= row >= 0 && row < localShape[dim]!;
    slice = slice * localShape[dim]! + row;
  }
  return isHere ? slice : -1;
}
