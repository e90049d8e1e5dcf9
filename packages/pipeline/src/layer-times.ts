/**
 * Measures what layers cost, so that stages can be balanced by time.
 *
 * @packageDocumentation
 */
import { initialize, vjp, type World } from "@meshwright/core";
import { ones, tidy, type Tensor } from "@tensorflow/tfjs";
import type { PipelineLayer } from "./stage.ts";

/** How to measure. */
export interface MeasureOptions {
  readonly world: World;
  /** Passes of each layer, of which the median counts (default 3), after one that is not counted. */
  readonly repeats?: number;
}

/**
 * Milliseconds of one forward and backward pass of each layer, alone, on an input as large as a micro-batch. The
 * average of all ranks, so that every rank gets the same numbers.
 *
 * Each rank runs the whole model, one layer after the other; parameters without values get some for as long as their
 * layer runs.
 *
 * @param input - of the first layer; it stays the caller's
 * @example
 * ```ts
 * const costs = measureLayerTimes(layers, microBatch, { world });
 * const pipeline = createPipeline({ mesh, axis: "pp", layers, costs, ... });
 * ```
 */
export function measureLayerTimes(
  layers: readonly PipelineLayer[],
  input: Tensor,
  { world, repeats = 3 }: MeasureOptions,
): number[] {
  let x = input.clone();
  const times = layers.map((layer) => {
    const { ms, output } = withValues(layer, () => measureLayer(layer, x, repeats));
    x.dispose();
    x = output;
    return ms;
  });
  x.dispose();
  const average = world.group.allReduce(Float32Array.from(times), { op: "avg", label: "layer times" });
  return [...average];
}

function withValues<R>({ parameters }: PipelineLayer, body: () => R): R {
  const missing = [...parameters].filter(([, { isInitialized }]) => !isInitialized);
  initialize(Object.fromEntries(missing), { seed: 0 });
  try {
    return body();
  } finally {
    for (const [, parameter] of missing) parameter.dispose();
  }
}

function measureLayer(
  layer: PipelineLayer,
  x: Tensor,
  repeats: number,
): { readonly ms: number; readonly output: Tensor } {
  const times: number[] = [];
  for (let i = 0; i <= repeats; i++) {
    tidy(() => {
      const start = performance.now();
      const { value, pullback } = vjp((input: Tensor) => layer.apply(input), [x], layer);
      pullback.all(ones(value.shape));
      times.push(performance.now() - start);
    });
  }
  const counted = times.slice(1).sort((a, b) => a - b);
  return { ms: counted[Math.floor(counted.length / 2)]!, output: tidy(() => layer.apply(x)) };
}
