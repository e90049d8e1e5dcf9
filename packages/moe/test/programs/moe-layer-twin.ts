/**
 * Layers of experts on a mesh: outputs, all gradients, losses, the norm, and weights, biases and loads after a few steps of
 * AdamW.
 */
import {
  accumulateGradients,
  AdamW,
  clipGradNorm,
  defineProgram,
  initialize,
  namedParameters,
  vjp,
} from "@meshwright/core";
import {
  collectValues,
  createMesh,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { finishMoEStep, MoELayer, type MoELayerOptions } from "../../src/index.ts";

/** A layer's settings, and what it works on. */
export interface LayerCase extends Omit<
  MoELayerOptions,
  "features" | "hidden" | "name" | "parallel" | "onLoad"
> {
  /** `[T]` or `[B, S]`. */
  readonly tokens: readonly number[];
  /** Whether the first experts get most tokens and the last ones none. */
  readonly skewed?: boolean;
  /** Whether the input lies on the mesh as the layer wants it, or whole on every rank. Default false. */
  readonly split?: boolean;
  /** First tokens (or sequences) of each micro-batch after the first one, and the shares. Default: one batch. */
  readonly cuts?: readonly number[];
}

export interface LayerTwinOptions {
  readonly cases: Readonly<Record<string, LayerCase>>;
}

const [D, F, STEPS] = [6, 5, 2];

function wave(shape: readonly number[], seed: number, amplitude = 1): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.mul(tf.sin(tf.mul(tf.range(0, size), 0.61 + seed / 7)).reshape([...shape]), amplitude);
}

type TwinProgram = LayerTwinOptions & { readonly mesh: MeshAxes };

export default defineProgram<TwinProgram, unknown, NamedValues>(({ world, options }) => {
  const { dp = 1, ep = 1, tp = 1 } = options.mesh;
  const mesh = createMesh(world, { dp, ep, tp });
  const results: Record<string, NamedValues[string]> = {};
  for (const [name, { tokens, skewed, split, cuts = [], ...settings }] of Object.entries(options.cases)) {
    const before = tf.memory().numTensors;
    const put = (tensors: Readonly<Record<string, tf.Tensor>>, prefix = ""): void => {
      const named = Object.entries(tensors).map(([key, t]) => [`${name}: ${prefix}${key}`, t]);
      Object.assign(results, collectValues(Object.fromEntries(named) as Record<string, tf.Tensor>));
    };
    const { dispatcher, ...plain } = settings;
    const layer = new MoELayer({
      ...{ features: D, hidden: F, name, ...plain },
      ...(world.size > 1 && {
        parallel: { mesh, expertAxis: "ep", tensorAxis: "tp", dataAxes: ["dp"] },
        ...(dispatcher && { dispatcher }),
      }),
    });
    const counts: number[] = [];
    layer.onLoad = (record) => counts.push(...record.counts, record.dropped, record.tokens);
    const model = { layer };
    initialize(model, { seed: 1 });
    if (skewed === true) {
      const scale = tf.linspace(1, -1, settings.numExperts);
      layer.router.gate.weight.assign(tf.tidy(() => tf.mul(tf.ones([D, settings.numExperts]), scale)));
      scale.dispose();
    }
    const x = tf.tidy(() => {
      const whole = skewed === true ? tf.abs(wave([...tokens, D], 1)) : wave([...tokens, D], 1);
      return split === true ? shard(whole, mesh, { dp: Shard(0), ep: Shard(0) }) : whole;
    });
    const target = wave([...tokens, D], 4);
    const lossOf = (y: tf.Tensor, from: number, rows: number): tf.Scalar =>
      tf.mean(tf.square(tf.sub(y, tf.slice(target, [from], [rows]))));

    const { value, pullback } = vjp((input) => lossOf(layer.apply(input), 0, tokens[0]!), [x], {
      parameters: namedParameters(model),
    });
    const first = pullback.all(tf.tidy(() => tf.scalar(1)));
    put({ loss: value, dx: first.inputs[0]! });
    put(Object.fromEntries(first.parameters), "gradient of ");
    put({ losses: tf.tensor1d(Object.values(layer.losses)), y: layer.apply(x) });
    finishMoEStep(model);
    tf.dispose([value, ...first.inputs.filter((t) => t !== undefined), ...first.parameters.values()]);

    const optimizer = new AdamW(namedParameters(model), { learningRate: 0.01, epsilon: 1e-3 });
    for (let step = 0; step < STEPS; step++) {
      const starts = [0, ...cuts];
      const parts = starts.map((from, i) => ({ from, rows: (starts[i + 1] ?? tokens[0]!) - from }));
      const { loss, grads } = accumulateGradients(
        model,
        parts.map(({ from, rows }) => () => {
          const part = cuts.length === 0 ? x : tf.slice(x, [from], [rows]);
          return lossOf(layer.apply(part), from, rows);
        }),
        { shares: parts.map(({ rows }) => rows / tokens[0]!) },
      );
      const { norm, grads: clipped } = clipGradNorm(grads, 0.5);
      if (step === 0) {
        put({ norm });
        put(Object.fromEntries(grads), "accumulated gradient of ");
      }
      optimizer.step(clipped);
      finishMoEStep(model);
      tf.dispose([loss, norm, ...grads.values(), ...clipped.values()]);
    }
    const parameters = [...namedParameters(model)].map(([key, { variable }]) => [key, variable] as const);
    put(Object.fromEntries(parameters), "trained ");
    results[`${name}: load`] = { shape: [counts.length], values: Float32Array.from(counts) };
    optimizer.dispose();
    for (const parameter of namedParameters(model).values()) parameter.dispose();
    tf.dispose([x, target]);
    results[`${name}: leak`] = { shape: [1], values: Float32Array.of(tf.memory().numTensors - before) };
  }
  return results;
});
