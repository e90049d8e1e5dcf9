/**
 * Checks that an index has the fields that its version has. Its hash has been checked before, so this fails only for an
 * index that some other program made.
 *
 * @packageDocumentation
 */
import { CheckpointError } from "./checkpoint-error.ts";
import type { CheckpointIndex } from "./checkpoint-index.ts";
import { isSafetensorsDtype } from "./dtype.ts";

/** @throws CheckpointError that names the first field that is not as it must be. */
export function checkIndexShape(index: CheckpointIndex, path: string): void {
  const require = (isRight: boolean, field: string, rule: string): void => {
    if (!isRight) {
      throw new CheckpointError(
        `${path}: ${field} must be ${rule}; use a checkpoint that saveCheckpoint wrote.`,
      );
    }
  };
  require(isSize(index.step), "step", "an integer from 0");
  require(isObject(index.mesh), "mesh", "an object of axis sizes");
  require(isObject(index.files), "files", "an object of files");
  require(isObject(index.tensors), "tensors", "an object of tensors");
  for (const [name, { bytes }] of Object.entries(index.files)) {
    require(isSize(bytes), `size of file "${name}"`, "an integer from 0");
    require(!/[/\\]/.test(name), `file "${name}"`, "a name inside the folder");
  }
  for (const [name, tensor] of Object.entries(index.tensors)) {
    require(isSafetensorsDtype(tensor.dtype), `dtype of tensor "${name}"`, "one of safetensors");
    require(isSizes(tensor.shape), `shape of tensor "${name}"`, "a list of integers from 0");
    for (const { file, shape, offset } of tensor.pieces) {
      const { length } = tensor.shape;
      const isPiece =
        isSizes(shape) && isSizes(offset) && shape.length === length && offset.length === length;
      require(isPiece, `a piece of tensor "${name}"`, `a box of ${length} dims`);
      require(Object.hasOwn(index.files, file), `file "${file}" of tensor "${name}"`, "one of the files");
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): boolean {
  return Array.isArray(value) && value.every(isSize);
}
