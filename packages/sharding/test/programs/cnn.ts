/**
 * A small convolutional classifier in plain tfjs, its images split over `dp` and its filters over `tp`: three steps of
 * gradient descent.
 */
import { defineProgram } from "@meshwright/core";
import {
  collectValues,
  countCommunication,
  createMesh,
  formatPlacement,
  placementsOf,
  shard,
  Shard,
  type Communication,
  type DeviceMesh,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** Images, rows, columns and classes: none equal, none divisible by all meshes. */
const [N, H, W, CLASSES] = [5, 9, 7, 6];

// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- an interface does not fit MeshAxes
type Axes = { readonly dp: number; readonly tp: number };

/** What the second test looks at. */
export interface CnnCommunication {
  readonly forward: Communication<unknown>["totals"];
  readonly backward: Communication<unknown>["totals"];
  /** Of each gradient as it comes out of the tape. */
  readonly placements: Readonly<Record<string, string>>;
}

function wave(shape: readonly number[], step: number, scale = 1): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => scale * Math.sin(step * (i + 1))),
    [...shape],
  );
}

/** The first filter is split by its outputs, the second by its inputs: one sum of the second layer's result. */
function parametersOn(mesh: DeviceMesh<Axes>): Record<string, tf.Tensor> {
  return {
    filter1: shard(wave([3, 3, 2, 5], 0.7, 0.5), mesh, { tp: Shard(3) }),
    bias1: shard(wave([5], 1.1, 0.1), mesh, { tp: Shard(0) }),
    filter2: shard(wave([2, 3, 5, 4], 1.3, 0.5), mesh, { tp: Shard(2) }),
    bias2: shard(wave([4], 0.9, 0.1), mesh, {}),
    dense: shard(wave([2 * 1 * 4, CLASSES], 1.7, 0.5), mesh, {}),
  };
}

function logits(images: tf.Tensor, [f1, b1, f2, b2, w]: readonly tf.Tensor[]): tf.Tensor {
  const hidden = tf.relu(tf.add(tf.conv2d(images as tf.Tensor4D, f1 as tf.Tensor4D, 1, "same"), b1!));
  const pooled = tf.maxPool(hidden as tf.Tensor4D, 2, 2, "same");
  const deep = tf.relu(tf.add(tf.conv2d(pooled, f2 as tf.Tensor4D, 1, "valid"), b2!));
  const small = tf.maxPool(deep as tf.Tensor4D, [2, 1], 2, "valid");
  return tf.matMul(tf.reshape(small, [N, -1]), w!);
}

function lossOf(images: tf.Tensor, labels: tf.Tensor, parameters: readonly tf.Tensor[]): tf.Scalar {
  return tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(labels, logits(images, parameters));
}

function dataOn(mesh: DeviceMesh<Axes>): { images: tf.Tensor; labels: tf.Tensor } {
  const classes = tf.tensor1d([3, 0, 5, 1, 3], "int32");
  return {
    images: shard(wave([N, H, W, 2], 0.37), mesh, { dp: Shard(0) }),
    labels: shard(tf.oneHot(classes, CLASSES), mesh, { dp: Shard(0) }),
  };
}

/** Losses, gradients and updated parameters of every step. */
export function train(mesh: DeviceMesh<Axes>, numSteps: number): NamedValues {
  const { images, labels } = dataOn(mesh);
  const parameters = parametersOn(mesh);
  const names = Object.keys(parameters);
  const seen: Record<string, NamedValues[string]> = {};
  for (let step = 0; step < numSteps; step++) {
    const loss = (...given: tf.Tensor[]): tf.Scalar => lossOf(images, labels, given);
    const { value, grads } = tf.valueAndGrads(loss)(Object.values(parameters));
    Object.assign(seen, collectValues({ [`loss ${step}`]: value }));
    names.forEach((name, i) => {
      const gradient = grads[i]!;
      parameters[name] = tf.sub(parameters[name]!, tf.mul(gradient, 0.5));
      Object.assign(
        seen,
        collectValues({ [`d${name} ${step}`]: gradient, [`${name} ${step}`]: parameters[name] }),
      );
    });
  }
  return seen;
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const { dp, tp } = options.mesh as Axes;
  return train(createMesh(world, { dp, tp }), 3);
});

/** Counts what one forward and one backward pass communicate. */
export function communicationOf(mesh: DeviceMesh<Axes>): CnnCommunication {
  const { images, labels } = dataOn(mesh);
  const parameters = parametersOn(mesh);
  const loss = (...given: tf.Tensor[]): tf.Scalar => lossOf(images, labels, given);
  const forward = countCommunication(mesh.world, () => loss(...Object.values(parameters)));
  const both = countCommunication(mesh.world, () => tf.grads(loss)(Object.values(parameters)));
  const names = Object.keys(parameters);
  return {
    forward: forward.totals,
    backward: both.totals,
    placements: Object.fromEntries(
      names.map((name, i) => {
        const { dp, tp } = placementsOf(both.result[i]!);
        return [name, `${formatPlacement(dp!)}, ${formatPlacement(tp!)}`];
      }),
    ),
  };
}
