/**
 * What each parallel layer communicates forward, and forward and backward together.
 */
import { defineProgram, initialize, namedParameters, type LedgerTotal, type Module } from "@meshwright/core";
import {
  ColumnParallelLinear,
  countCommunication,
  createMesh,
  formatPlacement,
  ParallelGeluMLP,
  ParallelSelfAttention,
  ParallelSwiGLUMLP,
  placementsOf,
  RowParallelLinear,
  shard,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";

export interface LayerCommunication {
  /** Of the layer's own output, as it arrives. */
  readonly placement: string;
  readonly forward: readonly LedgerTotal[];
  readonly whole: readonly LedgerTotal[];
}

export default defineProgram(({ world }): Readonly<Record<string, LayerCommunication>> => {
  const mesh = createMesh(world, { tp: world.size });
  const at = { mesh, axis: "tp" } as const;
  const linear = { inFeatures: 7, outFeatures: 5 };
  const mlp = { features: 7, hiddenFeatures: 11 };
  const layers: Readonly<Record<string, Module>> = {
    column: new ColumnParallelLinear({ ...at, ...linear }),
    gathered: new ColumnParallelLinear({ ...at, ...linear, gatherOutput: true }),
    row: new RowParallelLinear({ ...at, ...linear }),
    rowWithoutBias: new RowParallelLinear({ ...at, ...linear, bias: false }),
    attention: new ParallelSelfAttention({ ...at, features: 6, heads: 3 }),
    gelu: new ParallelGeluMLP({ ...at, ...mlp }),
    swiglu: new ParallelSwiGLUMLP({ ...at, ...mlp }),
  };
  const measure = (layer: Module, shape: number[]): LayerCommunication =>
    inScope(() => {
      initialize({ layer }, { seed: 1 });
      const x = shard(tf.ones(shape), mesh, {});
      const forward = countCommunication(world, () => layer.apply(x));
      const parameters = [...namedParameters({ layer }).values()].map(({ variable }) => variable);
      const whole = countCommunication(world, () => {
        const loss = (...inputs: tf.Tensor[]): tf.Tensor => tf.sum(layer.apply(inputs[0]!));
        const [dx] = tf.grads(loss)([x, ...parameters]);
        // Whoever uses the gradient of the input reduces it.
        tf.square(dx!);
      });
      const placement = formatPlacement(placementsOf(forward.result).tp!);
      return { placement, forward: forward.totals, whole: whole.totals };
    });
  return Object.fromEntries(
    Object.entries(layers).map(([name, layer]) => [
      name,
      measure(layer, name === "attention" ? [2, 4, 6] : [4, 7]),
    ]),
  );
});
