/**
 * Which of the tensors that a pullback holds are activations, each counted once.
 *
 * @packageDocumentation
 */
import { Variable, type Tensor } from "@tensorflow/tfjs";
import type { TapeNode } from "./tape-node.ts";

/** Kernels whose output is their input's data. */
const VIEWS: ReadonlySet<string> = new Set(["Identity", "Reshape"]);

/**
 * One of the held tensors per activation, by the id of the tensor whose data it is. Several clones and views of one
 * activation count once; those of variables do not count, because the variable lives anyway.
 */
export function activationsOf(
  held: readonly Tensor[],
  tape: readonly TapeNode[],
): ReadonlyMap<number, Tensor> {
  const producers = new Map<number, TapeNode>();
  for (const node of tape) for (const { id } of node.outputs) producers.set(id, node);
  const found = new Map<number, Tensor>();
  for (const tensor of held) {
    const source = sourceOf(tensor, producers);
    if (!(source instanceof Variable)) found.set(source.id, tensor);
  }
  return found;
}

function sourceOf(tensor: Tensor, producers: ReadonlyMap<number, TapeNode>): Tensor {
  // What tfjs saves is the output of a node of its own kind: a clone under the name of the scope.
  let source = producers.get(tensor.id)?.inputs.x ?? tensor;
  for (let node = producers.get(source.id); node !== undefined; node = producers.get(source.id)) {
    if (!VIEWS.has(node.kernelName)) break;
    source = node.inputs.x!;
  }
  return source;
}
