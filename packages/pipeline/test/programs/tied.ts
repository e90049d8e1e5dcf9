/**
 * A model whose first and last layer use one table, in several ways: shared, tied by name, or whole without a pipeline.
 */
import {
  AdamW,
  crossEntropy,
  defineProgram,
  GeluMLP,
  gradients,
  initialize,
  namedParameters,
  Parameter,
  type Module,
} from "@meshwright/core";
import { createPipeline, createSchedule, moduleLayer, type PipelineLayer } from "@meshwright/pipeline";
import { createMesh, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface TiedCase {
  /** `whole`: without a pipeline. */
  readonly how: "whole" | "shared" | "by name";
  readonly mesh: { readonly dp: number; readonly pp: number };
  readonly schedule: { readonly name: string; readonly numMicroBatches: number };
}

export interface TiedResult {
  readonly losses: readonly number[];
  readonly norm: number;
  /** Of every name that this rank holds. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
  readonly weights: Readonly<Record<string, Float32Array>>;
}

const [VOCAB, FEATURES, HIDDEN, STEPS] = [7, 4, 6, 3];

class Table implements Module {
  readonly table: Parameter;

  constructor(table = new Parameter({ shape: [VOCAB, FEATURES], initializer: { kind: "normal", std: 1 } })) {
    this.table = table;
  }

  apply(tokens: tf.Tensor): tf.Tensor {
    return tf.gather(this.table.variable, tokens); // [B] -> [B, D]
  }

  logits(x: tf.Tensor): tf.Tensor {
    return tf.matMul(x, this.table.variable, false, true); // [B, D] x [D, V] -> [B, V]
  }
}

export default defineProgram<TiedCase, unknown, TiedResult>(({ world, options }) => {
  const { how, mesh: axes, schedule } = options;
  const mlp = (): GeluMLP => new GeluMLP({ features: FEATURES, hiddenFeatures: HIDDEN });
  const first = new Table();
  const last = how === "by name" ? new Table() : new Table(first.table);
  const middle = [mlp(), mlp()];
  const model = { first, middle, last };
  const tokens = tf.tensor1d([0, 3, 6, 3, 1], "int32");
  const labels = tf.tensor1d([2, 5, 0, 3, 6], "int32");
  if (how === "whole") {
    initialize(model, { seed: 5 });
    const optimizer = new AdamW(namedParameters(model), { learningRate: 1e-2 });
    return train(optimizer, namedParameters(model), () => {
      const { loss, grads } = gradients(model, () => {
        const x = middle.reduce<tf.Tensor>((input, layer) => layer.apply(input), first.apply(tokens));
        return crossEntropy(last.logits(x), labels);
      });
      const squares = [...grads.values()].map((g) => tf.sum(tf.square(g)).dataSync()[0]!);
      return { loss: loss.dataSync()[0]!, grads, norm: Math.sqrt(squares.reduce((a, b) => a + b, 0)) };
    });
  }
  const mesh = createMesh(world, axes);
  const head: PipelineLayer = {
    name: "last",
    parameters: new Map([["last.table", last.table]]),
    apply: (x) => last.logits(x),
  };
  const pipeline = createPipeline({
    ...{ mesh, axis: "pp", loss: crossEntropy, placements: { dp: Shard(0) } },
    layers: [moduleLayer("first", first), ...middle.map((m, i) => moduleLayer(`middle.${i}`, m)), head],
    schedule: createSchedule(schedule.name, { numRanks: axes.pp, numMicroBatches: schedule.numMicroBatches }),
    ...(how === "by name" && { tied: [["first.table", "last.table"]] as const }),
  });
  pipeline.initialize({ seed: 5 });
  const optimizer = new AdamW(pipeline.parameters, { learningRate: 1e-2 });
  return train(optimizer, pipeline.parameters, () => {
    const { loss, grads } = pipeline.step(tokens, labels);
    const clipped = pipeline.clipGradNorm(grads, 1e9);
    tf.dispose([...clipped.grads.values()]);
    return { loss, grads, norm: clipped.norm };
  });
});

interface Step {
  readonly loss: number;
  readonly norm: number;
  readonly grads: ReadonlyMap<string, tf.Tensor>;
}

function train(optimizer: AdamW, parameters: ReadonlyMap<string, Parameter>, step: () => Step): TiedResult {
  const losses: number[] = [];
  let first: Pick<TiedResult, "gradients" | "norm"> | undefined;
  for (let i = 0; i < STEPS; i++) {
    const { loss, grads, norm } = step();
    losses.push(loss);
    first ??= { gradients: valuesOf(grads), norm };
    optimizer.step(grads);
  }
  return {
    ...first!,
    losses,
    weights: valuesOf(new Map([...parameters].map(([name, { variable }]) => [name, variable]))),
  };
}

function valuesOf(tensors: ReadonlyMap<string, tf.Tensor>): Record<string, Float32Array> {
  return Object.fromEntries([...tensors].map(([name, t]) => [name, Float32Array.from(t.dataSync())]));
}
