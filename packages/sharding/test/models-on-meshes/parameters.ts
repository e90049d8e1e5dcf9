/**
 * The parameters of both models, as the papers cut them.
 *
 * @packageDocumentation
 */
import { GPT_SIZES, LLAMA_SIZES, type ModelName } from "./settings.ts";

/** One parameter. */
export interface ParameterFacts {
  readonly shape: readonly number[];
  /** The dim that tensor parallelism splits. */
  readonly tensorDim?: 0 | 1;
  /** Whether sequence parallelism uses it on a part of the positions, so that its gradient is a partial sum over tp. */
  readonly isUsedBySequencePart?: true;
  /** Whether the backward pass reads its values: a weight for `dx`, a norm's gain; not a bias, nor a table. */
  readonly isReadBackward?: true;
}

/** All parameters of a model. */
export function parametersOf(model: ModelName): readonly ParameterFacts[] {
  return model === "gpt" ? gptParameters() : llamaParameters();
}

function gptParameters(): ParameterFacts[] {
  const { vocabSize, contextLength, features, layers, mlpFeatures } = GPT_SIZES;
  const norm = [gain(features), onSequencePart([features])];
  const block = [
    ...norm,
    ...repeat(3, [columns(features, features), columnBias(features)]),
    ...[rows(features, features), onSequencePart([features])],
    ...norm,
    ...[columns(features, mlpFeatures), columnBias(mlpFeatures)],
    ...[rows(mlpFeatures, features), onSequencePart([features])],
  ];
  return [
    ...[table(vocabSize, features), onSequencePart([contextLength, features])],
    ...repeat(layers, block),
    ...[...norm, columns(features, vocabSize)],
  ];
}

function llamaParameters(): ParameterFacts[] {
  const { vocabSize, features, heads, keyValueHeads, headFeatures, layers, mlpFeatures } = LLAMA_SIZES;
  const block = [
    gain(features),
    columns(features, heads * headFeatures),
    ...repeat(2, [columns(features, keyValueHeads * headFeatures)]),
    rows(heads * headFeatures, features),
    gain(features),
    ...repeat(2, [columns(features, mlpFeatures)]),
    rows(mlpFeatures, features),
  ];
  return [
    table(vocabSize, features),
    ...repeat(layers, block),
    ...[gain(features), columns(features, vocabSize)],
  ];
}

function columns(inputs: number, outputs: number): ParameterFacts {
  return { shape: [inputs, outputs], tensorDim: 1, isReadBackward: true };
}

function rows(inputs: number, outputs: number): ParameterFacts {
  return { shape: [inputs, outputs], tensorDim: 0, isReadBackward: true };
}

function columnBias(size: number): ParameterFacts {
  return { shape: [size], tensorDim: 0 };
}

function table(numEmbeddings: number, features: number): ParameterFacts {
  return { shape: [numEmbeddings, features], tensorDim: 0 };
}

function gain(size: number): ParameterFacts {
  return { shape: [size], isUsedBySequencePart: true, isReadBackward: true };
}

function onSequencePart(shape: readonly number[]): ParameterFacts {
  return { shape, isUsedBySequencePart: true };
}

function repeat<T>(times: number, list: readonly T[]): T[] {
  return Array.from({ length: times }, () => list).flat();
}
