/**
 * The two kernels of tfjs that take lists among their named inputs.
 *
 * Between tfjs and the engine every input is one tensor: `{ splits: [a, b], x }` is `{ "splits.0": a, "splits.1": b, x }`.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { KernelInputs } from "./engine-door.ts";

/** Inputs as tfjs passes them to these kernels. */
export type NestedInputs = Readonly<Record<string, TensorInfo | readonly TensorInfo[]>>;

/** Whether the kernel takes lists among its inputs. */
export function takesNestedInputs(kernel: string): boolean {
  return kernel === "RaggedGather" || kernel === "RaggedTensorToTensor";
}

/** One tensor per name. */
export function flattenInputs(inputs: NestedInputs): Record<string, TensorInfo> {
  const flat: Record<string, TensorInfo> = {};
  for (const [name, value] of Object.entries(inputs)) {
    if (!isList(value)) flat[name] = value;
    else value.forEach((info, i) => (flat[`${name}.${i}`] = info));
  }
  return flat;
}

/** The way back. */
export function nestInputs(flat: KernelInputs): NestedInputs {
  const nested: Record<string, TensorInfo | TensorInfo[]> = {};
  for (const [path, info] of Object.entries(flat as Readonly<Record<string, TensorInfo>>)) {
    const [name, index] = path.split(".") as [string, string | undefined];
    if (index === undefined) nested[name] = info;
    else nested[name] = [...((nested[name] as TensorInfo[] | undefined) ?? []), info];
  }
  return nested;
}

function isList(value: TensorInfo | readonly TensorInfo[]): value is readonly TensorInfo[] {
  return Array.isArray(value);
}
