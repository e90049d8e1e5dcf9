/**
 * Which tensor of a Hugging Face checkpoint holds which parameter, as data.
 *
 * Legend: D = features, V = vocabulary.
 *
 * @packageDocumentation
 */
import type { Box } from "../checkpoint/box.ts";

/** Where a parameter's values stand. `*` in a table stands for the number of a block. */
export interface TensorName {
  /** Our name. */
  readonly parameter: string;
  /** Hugging Face's name. */
  readonly tensor: string;
  /** Whether the file holds `[out, in]` where our weight is `[in, out]`. */
  readonly transposed?: true;
  /** Whether there is a tensor for each index of the parameter's first dim; `#` in a table stands for the index. */
  readonly stacked?: true;
  /** Which part of the tensor's last dim the parameter is, where several are fused. */
  readonly part?: { readonly index: number; readonly of: number };
}

/** The names of one kind of model. */
export interface NameTable {
  /** What stands before the names of all tensors but the head's; a file of the model without its head leaves it out. */
  readonly prefix: string;
  readonly names: readonly TensorName[];
  /** Tensors that older versions saved and nobody needs: they are computed. */
  readonly ignored: RegExp;
}

/** The embedding whose table a tied head uses, and the head's own weight. */
export const TABLE_PARAMETER = "tokenEmbedding.weight";
/** The head's weight: `[D, V]`, in files `[V, D]`. */
export const HEAD: TensorName = { parameter: "head.weight", tensor: "lm_head.weight", transposed: true };

/** The place of one parameter; undefined if the table has none for it. */
export function placeOf(table: NameTable, parameter: string): TensorName | undefined {
  const block = /^blocks\.(\d+)\./.exec(parameter)?.[1];
  const pattern = block === undefined ? parameter : parameter.replace(/^blocks\.\d+\./, "blocks.*.");
  const name = table.names.find((candidate) => candidate.parameter === pattern);
  return name && { ...name, parameter, tensor: name.tensor.replace("*", block ?? "*") };
}

/** The tensors that hold a parameter of shape `shape`: one, or those of a stack, without that dim. */
export function tensorsOf(place: TensorName, shape: readonly number[]): readonly TensorName[] {
  const { stacked, ...name } = place;
  if (stacked === undefined) return [place];
  return Array.from({ length: shape[0]! }, (_, i) => ({
    ...name,
    tensor: name.tensor.replace("#", String(i)),
  }));
}

/** Shape of the tensor, or of each tensor of a stack, that holds a parameter of shape `shape`. */
export function tensorShape(
  { transposed, stacked, part }: TensorName,
  parameterShape: readonly number[],
): readonly number[] {
  const shape = stacked === undefined ? parameterShape : parameterShape.slice(1);
  if (transposed) return shape.toReversed();
  return part === undefined ? shape : shape.with(-1, shape.at(-1)! * part.of);
}

/** The part of the tensor that holds `box` of the parameter. */
export function tensorBox(
  { transposed, part }: TensorName,
  { shape, offset }: Box,
  { parameterShape }: { readonly parameterShape: readonly number[] },
): Box {
  if (transposed) return { shape: shape.toReversed(), offset: offset.toReversed() };
  if (part === undefined) return { shape, offset };
  return { shape, offset: offset.with(-1, offset.at(-1)! + part.index * parameterShape.at(-1)!) };
}
