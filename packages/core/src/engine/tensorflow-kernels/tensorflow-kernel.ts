/**
 * What a kernel of the tensorflow engine is: a few operations of TensorFlow, whose intermediate results are freed when
 * the kernel returns.
 *
 * @packageDocumentation
 */
import type { KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { ExecuteOptions, NativeBackend } from "./native-backend.ts";

/** One call of a kernel. */
export interface TensorflowCall<Inputs, Attrs> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly native: NativeBackend;
  /** Runs an operation of one output. */
  readonly op: (name: string, inputs: readonly TensorInfo[], attrs?: ExecuteOptions["attrs"]) => TensorInfo;
  /** Runs an operation of several outputs. */
  readonly ops: (name: string, inputs: readonly TensorInfo[], options: ExecuteOptions) => TensorInfo[];
  /** A float32 scalar. */
  readonly scalar: (value: number) => TensorInfo;
  /** An int32 vector. */
  readonly integers: (values: readonly number[] | Int32Array, shape?: readonly number[]) => TensorInfo;
  /** The same elements in another shape. */
  readonly reshape: (x: TensorInfo, shape: readonly number[]) => TensorInfo;
  /** Runs the kernel that this one replaces. */
  readonly stock: () => TensorInfo | TensorInfo[];
}

/** A kernel of the engine. */
export interface TensorflowKernel {
  readonly kernelName: string;
  /** The function to register; `stock` is the one it replaces. */
  readonly kernelFunc: (native: NativeBackend, stock: KernelFunc) => KernelFunc;
}

/** Declares a kernel. What `compute` makes and does not return is freed. */
export function tensorflowKernel<Inputs extends NamedTensorInfoMap, Attrs extends NamedAttrMap>(
  kernelName: string,
  compute: (call: TensorflowCall<Inputs, Attrs>) => TensorInfo | TensorInfo[],
): TensorflowKernel {
  return {
    kernelName,
    kernelFunc:
      (native, stock) =>
      ({ inputs, attrs = {}, backend }) => {
        const made: TensorInfo[] = [];
        const keep = <T extends TensorInfo | TensorInfo[]>(infos: T): T => {
          made.push(...(Array.isArray(infos) ? infos : [infos]));
          return infos;
        };
        const call: TensorflowCall<Inputs, Attrs> = {
          inputs: inputs as Inputs,
          attrs: attrs as Attrs,
          native,
          op: (name, operands, attributes = {}) =>
            keep(native.execute(name, operands, { attrs: attributes }))[0]!,
          ops: (name, operands, options) => keep(native.execute(name, operands, options)),
          scalar: (value) => keep(native.create(Float32Array.of(value), [], "float32")),
          integers: (values, shape = [values.length]) =>
            keep(native.create(Int32Array.from(values), shape, "int32")),
          reshape: (x, shape) =>
            x.shape.join() === shape.join()
              ? keep(native.share(x))
              : keep(native.execute("Reshape", [x, call.integers(shape)]))[0]!,
          stock: () => stock({ inputs, attrs, backend }),
        };
        let kept: readonly TensorInfo[] = [];
        try {
          const result = compute(call);
          kept = Array.isArray(result) ? result : [result];
          return result;
        } finally {
          for (const info of made) if (!kept.includes(info)) native.release(info);
        }
      },
  };
}
