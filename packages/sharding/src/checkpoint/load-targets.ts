/**
 * What a checkpoint is loaded into: named tensors of this rank, and the part of each that it holds.
 *
 * @packageDocumentation
 */
import {
  CheckpointError,
  isLoadable,
  type CheckpointReader,
  type NumericArray,
  type Parameter,
} from "@meshwright/core";
import { tensor as makeTensor, type DataType, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { regionOf, type Layout, type Region } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import { Replicate, type Placement } from "../placement.ts";
import { fromLocal } from "../sharded-tensor.ts";
import { OPTIMIZER_PREFIX, optimizerRestorer, optimizerTensors } from "./optimizer-state.ts";
import { parametersOf, type TrainingState } from "./training-state.ts";

/** A tensor to be filled. */
export interface LoadTarget {
  readonly name: string;
  /** The part that this rank holds. */
  readonly region: Region;
  /** Takes the part's values. */
  readonly fill: (values: NumericArray) => void;
}

/** Everything to be filled. */
export interface LoadTargets {
  readonly targets: readonly LoadTarget[];
  /** Whether a tensor of the checkpoint must be among the targets of some rank. */
  readonly isAskedFor: (name: string) => boolean;
  /** Called after the last target is filled. */
  readonly finish: () => void;
}

/** @throws CheckpointError if the checkpoint lacks a tensor, or has it in another shape or element type. */
export function loadTargets(state: TrainingState, reader: CheckpointReader): LoadTargets {
  const parameters = [...parametersOf("loadCheckpoint", state)].map(([name, parameter]) =>
    parameterTarget(name, parameter, reader),
  );
  const { optimizer } = state;
  if (optimizer === undefined) {
    const isAskedFor = (name: string): boolean => !name.startsWith(OPTIMIZER_PREFIX);
    return { targets: parameters, isAskedFor, finish: () => undefined };
  }
  const { put, finish } = optimizerRestorer(optimizer, reader.index.optimizer, reader.folder);
  const moments = optimizerTensors(optimizer).map(([name, tensor]) =>
    tensorTarget(name, tensor, {
      reader,
      assign: (value) => {
        put(name, value);
      },
    }),
  );
  return { targets: [...parameters, ...moments], isAskedFor: () => true, finish };
}

function parameterTarget(name: string, parameter: Parameter, reader: CheckpointReader): LoadTarget {
  const assign = (value: Tensor): void => {
    parameter.assign(value);
  };
  if (parameter.isInitialized) return tensorTarget(name, parameter.variable, { reader, assign });
  const { shape, shard } = parameter;
  checkTensor(reader, name, { shape, dtype: "float32" });
  if (shard === undefined) {
    return {
      name,
      region: { shape, offset: shape.map(() => 0) },
      fill: (values) => {
        assign(makeTensor(values, [...shape], "float32"));
      },
    };
  }
  return {
    name,
    region: { shape: shard.localShape, offset: shard.offset },
    fill: (values) => {
      assign(shard.fromLocal(values as Float32Array));
    },
  };
}

/** A tensor that exists: its new value gets its layout. */
function tensorTarget(
  name: string,
  tensor: Tensor,
  { reader, assign }: { readonly reader: CheckpointReader; readonly assign: (value: Tensor) => void },
): LoadTarget {
  checkTensor(reader, name, tensor);
  const { layout } = shardedBackend("loadCheckpoint").recordOf(tensor);
  const placements = layout.placements.map((placement) =>
    placement.kind === "partial" ? Replicate() : placement,
  );
  const mesh = layout.mesh as DeviceMesh | undefined;
  return {
    name,
    region: mesh === undefined ? layout : regionOf(layout.shape, placements, mesh.shape, mesh.coordinate),
    fill: (values) => {
      assign(likeLayout(layout, placements, values));
    },
  };
}

function likeLayout(layout: Layout, placements: readonly Placement[], values: NumericArray): Tensor {
  const { shape, dtype } = layout;
  if (layout.mesh === undefined) return makeTensor(values, [...shape], dtype as "float32");
  const mesh = layout.mesh as DeviceMesh;
  const spec = Object.fromEntries(mesh.axisNames.map((axis, i) => [axis, placements[i]!]));
  const region = regionOf(shape, placements, mesh.shape, mesh.coordinate);
  return fromLocal({ values, shape: region.shape }, mesh, spec, { shape });
}

function checkTensor(
  reader: CheckpointReader,
  name: string,
  wanted: { readonly shape: readonly number[]; readonly dtype: DataType },
): void {
  if (!Object.hasOwn(reader.index.tensors, name)) {
    throw new CheckpointError(
      `loadCheckpoint: tensor "${name}" (${wanted.dtype}[${wanted.shape.join(", ")}]) must be in ${reader.folder}, but is missing; use the model that was saved.`,
    );
  }
  const saved = reader.tensor(name);
  if (saved.shape.join() !== wanted.shape.join()) {
    throw new CheckpointError(
      `loadCheckpoint: tensor "${name}" ([${wanted.shape.join(", ")}]) must have the shape in ${reader.folder} ([${saved.shape.join(", ")}]); use the sizes of the model that was saved.`,
    );
  }
  if (isLoadable(saved.dtype, wanted.dtype)) return;
  throw new CheckpointError(
    `loadCheckpoint: tensor "${name}" (${wanted.dtype}) must be loadable from ${saved.dtype}, as it is in ${reader.folder}; use the model that was saved.`,
  );
}
