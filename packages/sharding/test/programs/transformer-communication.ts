/**
 * What each part of a tensor-parallel GPT and Llama communicates, forward and backward, and what activations a step
 * keeps, with and without sequence parallelism.
 */
import type { GPT, Llama } from "@meshwright/core";
import {
  crossEntropy,
  defineProgram,
  gradients,
  initialize,
  namedParameters,
  type LedgerTotal,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  liveBytes,
  parallelGPT,
  parallelLlama,
  placementsOf,
  shard,
  toLocal,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";

/** Which model to measure. */
export interface TransformerCommunicationOptions {
  readonly model: "gpt" | "llama";
  readonly sequenceParallel: boolean;
  readonly labelSmoothing: number;
  /** Positions. */
  readonly positions: number;
}

/** Collectives of one direction. */
export type PartCommunication = Readonly<Record<"forward" | "backward", readonly LedgerTotal[]>>;

/** What one rank measured. */
export interface TransformerCommunication {
  readonly embedding: PartCommunication;
  readonly block: PartCommunication;
  readonly head: PartCommunication;
  readonly loss: PartCommunication;
  /** A whole training step without its optimizer: loss and gradients as they come. */
  readonly step: readonly LedgerTotal[];
  /** Placements on tp, as text: residual stream, logits, gradients of the vocabulary's weights. */
  readonly placements: Readonly<Record<string, string>>;
  /** Elements on this rank of the logits and of the table's gradient. */
  readonly elements: Readonly<Record<"logits" | "tableGradient", number>>;
  /** Bytes that the rank keeps between the forward and the backward pass, parameters left out. */
  readonly activationBytes: number;
}

/** B, D, V; pairwise different. */
export const SIZES = { batch: 3, features: 24, vocabSize: 13 };

export default defineProgram<TransformerCommunicationOptions, unknown, TransformerCommunication>(
  ({ world, options }) => {
    const mesh = createMesh(world, { tp: world.size });
    const { positions, labelSmoothing } = options;
    const model = build(mesh, options);
    initialize(model, { seed: 1 });
    return inScope(() => {
      const tokens = shard(tokenMatrix(positions, 0), mesh, {});
      const labels = shard(tokenMatrix(positions, 1), mesh, {});
      const embedded = model.embed(tokens);
      const logits = model.logits(embedded);
      const lossOf = (x: tf.Tensor): tf.Scalar => crossEntropy(x, labels, { labelSmoothing });
      const activations = { bytes: 0 };
      const held = liveBytes();
      const step = countCommunication(world, () =>
        gradients(model, () => {
          const loss = lossOf(model.apply(tokens));
          activations.bytes = liveBytes() - held;
          return loss;
        }),
      );
      const { grads } = step.result;
      const placements = {
        residual: placementsOf(embedded),
        logits: placementsOf(logits),
        tableGradient: placementsOf(grads.get("tokenEmbedding.weight")!),
        headGradient: placementsOf(grads.get("head.weight")!),
      };
      return {
        embedding: measure(world, () => model.embed(tokens), undefined, model.tokenEmbedding),
        block: measure(world, (x) => model.blocks[0]!.apply(x), embedded, model.blocks[0]),
        head: measure(world, (x) => model.logits(x), embedded, { norm: model.finalNorm, head: model.head }),
        loss: measure(world, lossOf, logits, undefined),
        step: step.totals,
        placements: Object.fromEntries(
          Object.entries(placements).map(([name, { tp }]) => [name, JSON.stringify(tp)]),
        ),
        elements: {
          logits: toLocal(logits).values.length,
          tableGradient: toLocal(grads.get("tokenEmbedding.weight")!).values.length,
        },
        activationBytes: activations.bytes,
      };
    });
  },
);

function build(
  mesh: DeviceMesh<{ tp: number }>,
  { model, sequenceParallel, positions }: TransformerCommunicationOptions,
): GPT | Llama {
  const { features, vocabSize } = SIZES;
  const at = { mesh, axis: "tp", sequenceParallel, features, vocabSize } as const;
  const sizes = { contextLength: positions, heads: 12, layers: 2, mlpFeatures: 36 };
  return model === "gpt"
    ? parallelGPT({ ...at, ...sizes })
    : parallelLlama({ ...at, ...sizes, keyValueHeads: 6 });
}

/**
 * Counts `f` forward, and its gradients by input and parameters alone. The input's gradient arrives as the output's
 * does: reduced.
 */
function measure(
  world: Parameters<typeof countCommunication>[0],
  f: (x: tf.Tensor) => tf.Tensor,
  input: tf.Tensor | undefined,
  parameters: object | undefined,
): PartCommunication {
  return inScope(() => {
    const forward = countCommunication(world, () => f(input ?? tf.scalar(0)));
    const variables = parameters === undefined ? [] : [...namedParameters(parameters).values()];
    const by = [...(input === undefined ? [] : [input]), ...variables.map(({ variable }) => variable)];
    const dy = tf.onesLike(forward.result);
    const whole = countCommunication(world, () =>
      tf.grads((...inputs: tf.Tensor[]) => f(inputs[0]!))(by, dy),
    );
    return { forward: forward.totals, backward: difference(whole.totals, forward.totals) };
  });
}

/** What `whole` has more than `part`. */
function difference(whole: readonly LedgerTotal[], part: readonly LedgerTotal[]): LedgerTotal[] {
  return whole.flatMap(({ group, collective, calls, bytesSent }) => {
    const other = part.find((total) => total.group === group && total.collective === collective);
    const more = { calls: calls - (other?.calls ?? 0), bytesSent: bytesSent - (other?.bytesSent ?? 0) };
    return more.calls === 0 ? [] : [{ group, collective, ...more }];
  });
}

function tokenMatrix(positions: number, offset: number): tf.Tensor2D {
  const { batch, vocabSize } = SIZES;
  const values = Array.from({ length: batch * positions }, (_, i) => (5 * i + offset) % vocabSize);
  return tf.tensor2d(values, [batch, positions], "int32");
}
