/**
 * What is wrong with a checkpoint, or with what one wants of it.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";

/**
 * A checkpoint is damaged, incomplete, or does not fit what it is loaded into. The text names the file, and the tensor
 * where there is one.
 */
export class CheckpointError extends ContractError {
  override readonly name: string = "CheckpointError";
}
