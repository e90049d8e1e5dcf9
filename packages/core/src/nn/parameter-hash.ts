/**
 * The fingerprint of a model's parameters.
 *
 * @packageDocumentation
 */
import { createHash } from "node:crypto";
import { namedParameters } from "./module.ts";
import type { Parameter } from "./parameter.ts";

/**
 * SHA-256 over the names, global shapes and global values of all parameters below `model`, in lowercase hex: the same
 * on every mesh exactly if all bits are.
 *
 * Per parameter, in ascending order of names: the UTF-8 text `"<name> [<d0>,<d1>,...]\n"`, then the values as
 * little-endian float32. A collective where parameters are split: each rank of the mesh calls it.
 *
 * @param valuesOf - reads a parameter's values in global order, where this rank does not hold them itself (a pipeline)
 * @throws ContractError if a parameter has no values yet.
 */
export function parameterHash(
  model: object,
  {
    valuesOf = globalValues,
  }: { readonly valuesOf?: (parameter: Parameter, name: string) => Float32Array } = {},
): string {
  const hash = createHash("sha256");
  const parameters = [...namedParameters(model)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, parameter] of parameters) {
    hash.update(`${name} [${parameter.shape.join(",")}]\n`, "utf8");
    const values = valuesOf(parameter, name);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex");
}

function globalValues({ shard, variable }: Parameter): Float32Array {
  return shard === undefined ? variable.dataSync<"float32">() : shard.readFull(variable);
}
