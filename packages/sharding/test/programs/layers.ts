/**
 * Every parallel layer: value, gradient of the input, gradients of the parameters. On one rank it is the dense twin.
 */
import {
  CausalSelfAttention,
  defineProgram,
  GeluMLP,
  gradients,
  initialize,
  Linear,
  SwiGLUMLP,
  type Module,
} from "@meshwright/core";
import {
  collectValues,
  ColumnParallelLinear,
  createMesh,
  ParallelGeluMLP,
  ParallelSelfAttention,
  ParallelSwiGLUMLP,
  RowParallelLinear,
  shard,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

// 5 columns give 2, 2, 1, 0 on 4 ranks, 7 rows give 2, 2, 2, 1; heads divide by all.
const LINEAR = { inFeatures: 7, outFeatures: 5 };
const ATTENTION = { features: 24, heads: 12 };
const MLP = { features: 6, hiddenFeatures: 11 };

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { tp: options.mesh.tp ?? 1 });
  const at = { mesh, axis: "tp" } as const;
  const isDense = world.size === 1;
  const layers: Readonly<Record<string, readonly [inputShape: number[], layer: Module]>> = {
    column: [[2, 3, 7], isDense ? new Linear(LINEAR) : new ColumnParallelLinear({ ...at, ...LINEAR })],
    gathered: [
      [4, 7],
      isDense ? new Linear(LINEAR) : new ColumnParallelLinear({ ...at, ...LINEAR, gatherOutput: true }),
    ],
    row: [[2, 3, 7], isDense ? new Linear(LINEAR) : new RowParallelLinear({ ...at, ...LINEAR })],
    rowWithoutBias: [
      [4, 7],
      isDense
        ? new Linear({ ...LINEAR, bias: false })
        : new RowParallelLinear({ ...at, ...LINEAR, bias: false }),
    ],
    attention: [
      [2, 5, 24],
      isDense ? new CausalSelfAttention(ATTENTION) : new ParallelSelfAttention({ ...at, ...ATTENTION }),
    ],
    gelu: [[4, 6], isDense ? new GeluMLP(MLP) : new ParallelGeluMLP({ ...at, ...MLP })],
    swiglu: [[4, 6], isDense ? new SwiGLUMLP(MLP) : new ParallelSwiGLUMLP({ ...at, ...MLP })],
  };
  const results: Record<string, NamedValues[string]> = {};
  for (const [name, [inputShape, layer]] of Object.entries(layers)) {
    initialize({ [name]: layer }, { seed: 4 });
    tf.tidy(() => {
      const size = inputShape.reduce((a, b) => a * b, 1);
      const x = shard(tf.reshape(tf.sin(tf.mul(tf.range(0, size), 1.3)), inputShape), mesh, {});
      const weighted = (input: tf.Tensor): tf.Tensor => {
        const y = layer.apply(input);
        return tf.sum(tf.mul(y, tf.reshape(tf.cos(tf.range(0, y.size)), y.shape)));
      };
      const { grads } = gradients({ [name]: layer }, () => weighted(x).asScalar());
      Object.assign(
        results,
        collectValues({
          [`${name} value`]: layer.apply(x),
          [`${name} input gradient`]: tf.grad(weighted)(x),
          ...Object.fromEntries(
            [...grads].map(([parameter, gradient]) => [`${parameter} gradient`, gradient]),
          ),
        }),
      );
      tf.dispose([...grads.values()]);
    });
  }
  return results;
});
