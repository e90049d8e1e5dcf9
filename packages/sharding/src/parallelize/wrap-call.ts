/**
 * Moves the inputs and outputs of a `tf.layers` layer.
 *
 * @packageDocumentation
 */
import { tidy, type layers, type Tensor } from "@tensorflow/tfjs";
import type { DeviceMesh } from "../mesh.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { place } from "./wrap-apply.ts";

/** Marks a `call` made here with the one that it wraps. */
const WRAPPED = Symbol("wrapped call");

type Tensors = Tensor | Tensor[];
type Call = ((inputs: Tensors, kwargs: object) => Tensors) & { [WRAPPED]?: Call };

/** Gives the layer a `call` that moves all inputs, runs the layer's own, and moves all outputs. */
export function wrapCall(
  layer: layers.Layer,
  mesh: DeviceMesh,
  { input, output }: { readonly input: PlacementSpec; readonly output: PlacementSpec },
): void {
  if (isEmpty(input) && isEmpty(output)) return;
  const own = ownCall(layer);
  const call: Call = (inputs, kwargs) =>
    tidy(() => placeAll(own.call(layer, placeAll(inputs, mesh, input), kwargs), mesh, output));
  call[WRAPPED] = own;
  Object.defineProperty(layer, "call", { value: call, configurable: true, writable: true });
}

/** Takes away what `wrapCall` put around the layer. */
export function unwrapCall(layer: layers.Layer): void {
  if (ownCall(layer) !== Reflect.get(layer, "call")) Reflect.deleteProperty(layer, "call");
}

function placeAll(tensors: Tensors, mesh: DeviceMesh, placements: PlacementSpec): Tensors {
  if (isEmpty(placements)) return tensors;
  return Array.isArray(tensors)
    ? tensors.map((tensor) => place(tensor, mesh, placements))
    : place(tensors, mesh, placements);
}

function isEmpty(placements: PlacementSpec): boolean {
  return Object.keys(placements).length === 0;
}

function ownCall(layer: layers.Layer): Call {
  const call = Reflect.get(layer, "call") as Call;
  return call[WRAPPED] ?? call;
}
