/**
 * Models whose gradients the tests of this folder compare, small and with pairwise different sizes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { ContractError } from "../../errors.ts";
import { crossEntropy } from "../../nn/cross-entropy.ts";
import { Dropout } from "../../nn/dropout.ts";
import { GPT } from "../../nn/gpt.ts";
import { GPTBlock } from "../../nn/gpt-block.ts";
import { denseParts } from "../../nn/gpt-parts.ts";
import { initialize } from "../../nn/initialize.ts";
import { GeluMLP } from "../../nn/mlp.ts";
import { namedParameters, type Module } from "../../nn/module.ts";
import { LayerNorm } from "../../nn/norm.ts";
import type { Parameter } from "../../nn/parameter.ts";
import { seededTensor } from "../../engine/testing/seeded.ts";
import type { CallCounter } from "../capture-tape.ts";

/** A function of one input, its parameters, and an input and output gradient that fit. The test owns the tensors. */
export interface Subject {
  readonly f: (x: tf.Tensor) => tf.Tensor;
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Another input per seed. */
  readonly input: (seed: number) => tf.Tensor;
  /** Frees the parameters. */
  readonly dispose: () => void;
  /** The call counters of the dropout layers. */
  readonly counters: readonly CallCounter[];
  /** Another gradient of the value per seed. */
  readonly dy: (seed: number) => tf.Tensor;
}

const VOCAB = 11;
const [BATCH, POSITIONS, FEATURES] = [3, 5, 8];
const WITH_DROPOUT = { rate: 0.25, seed: 7 };

/** `x + mlp(norm(x))`, `[4, 6]`. */
export function mlpSubject(): Subject {
  const model = {
    norm: new LayerNorm({ features: 6 }),
    mlp: new GeluMLP({ features: 6, hiddenFeatures: 10 }),
  };
  initialize(model, { seed: 1 });
  return {
    f: (x) => tf.tidy(() => tf.add(x, model.mlp.apply(model.norm.apply(x)))),
    parameters: namedParameters(model),
    dispose: () => {
      disposeParameters(model);
    },
    counters: [],
    input: (seed) => seededTensor([4, 6], seed),
    dy: (seed) => seededTensor([4, 6], seed + 100),
  };
}

/** A transformer block with dropout, `[3, 5, 8]`. */
export function blockSubject(): Subject {
  const normal = { kind: "normal", std: 0.3 } as const;
  const block = new GPTBlock({
    ...{ features: FEATURES, heads: 2, mlpFeatures: 12, initializer: normal, residualInitializer: normal },
    parts: denseParts(),
    dropout: { ...WITH_DROPOUT, name: "block.dropout" },
  });
  initialize(block, { seed: 2 });
  return {
    f: (x) => block.apply(x),
    parameters: namedParameters(block),
    dispose: () => {
      disposeParameters(block);
    },
    counters: [counterOf(block.dropout)],
    input: (seed) => seededTensor([BATCH, POSITIONS, FEATURES], seed),
    dy: (seed) => seededTensor([BATCH, POSITIONS, FEATURES], seed + 100),
  };
}

/** A GPT of two blocks, cut in two stages: tokens to activations, and those to the loss. */
export function gptStages(): { readonly first: Subject; readonly last: Subject; readonly model: GPT } {
  const model = new GPT({
    ...{ vocabSize: VOCAB, contextLength: 7, features: FEATURES, heads: 2, layers: 2, mlpFeatures: 12 },
    dropout: WITH_DROPOUT,
  });
  initialize(model, { seed: 3 });
  const { tokenEmbedding, positionEmbedding, dropout, blocks, finalNorm, head } = model;
  const positions = (): tf.Tensor => tf.range(0, POSITIONS, 1, "int32");
  const embedded = (tokens: tf.Tensor): tf.Tensor =>
    dropout!.apply(tf.add(tokenEmbedding.apply(tokens), positionEmbedding.apply(positions())));
  const labels = (): tf.Tensor =>
    tf.tensor2d(
      Array.from({ length: BATCH * POSITIONS }, (_, i) => (3 * i + 2) % VOCAB),
      [BATCH, POSITIONS],
      "int32",
    );
  const dispose = (): void => {
    disposeParameters(model);
  };
  return {
    model,
    first: {
      dispose,
      f: (tokens) => tf.tidy(() => blocks[0]!.apply(embedded(tokens))),
      parameters: namedParameters({ tokenEmbedding, positionEmbedding, blocks: [blocks[0]] }),
      counters: [counterOf(dropout), counterOf(blocks[0]!.dropout)],
      input: (seed) => tf.tidy(() => seededTensor([BATCH, POSITIONS], seed, [0, VOCAB]).toInt()),
      dy: (seed) => seededTensor([BATCH, POSITIONS, FEATURES], seed + 100),
    },
    last: {
      dispose,
      f: (x) => tf.tidy(() => crossEntropy(head.apply(finalNorm.apply(blocks[1]!.apply(x))), labels())),
      parameters: namedParameters({ block: blocks[1], finalNorm, head }),
      counters: [counterOf(blocks[1]!.dropout)],
      input: (seed) => seededTensor([BATCH, POSITIONS, FEATURES], seed),
      dy: (seed) => tf.scalar(0.5 + seed),
    },
  };
}

/** All subjects by name. */
export function subjects(): Readonly<Record<string, () => Subject>> {
  return {
    "an MLP": mlpSubject,
    "a transformer block": blockSubject,
    "the first stage of a GPT": () => gptStages().first,
    "the last stage of a GPT": () => gptStages().last,
  };
}

function disposeParameters(model: object): void {
  for (const parameter of namedParameters(model).values()) parameter.dispose();
}

function counterOf(dropout: Module | undefined): CallCounter {
  if (dropout instanceof Dropout) return dropout;
  throw new ContractError("counterOf: the subject must have a dropout layer.");
}
