/**
 * Loads the addon and tfjs-node's kernels and registers the backend, without tfjs-node's own entry, which accepts only the
 * library that it downloaded itself.
 *
 * @packageDocumentation
 */
import Module, { createRequire } from "node:module";
import { join, sep } from "node:path";
import type { KernelBackend } from "@tensorflow/tfjs";
import { registerBackend } from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";
import type { NativeParts } from "./locate.ts";
import { repairNodeUtil } from "./node-repairs.ts";

/** What this package uses of the addon. */
export interface NativeBinding {
  readonly TF_FLOAT: number;
  readonly TF_ATTR_TYPE: number;
  /** Throws where `numOutputs` is no number, once it has read the attributes. */
  executeOp(
    name: string,
    attributes: readonly { readonly name: string; readonly type: number; readonly value: unknown }[],
    inputs: readonly number[],
    numOutputs: unknown,
  ): unknown;
}

type BackendConstructor = new (binding: NativeBinding, packageName: string) => KernelBackend;

/** Name under which tfjs-node's kernels are registered. */
export const BACKEND_NAME = "tensorflow";

/** Loads the compiled addon. @throws what the dynamic loader says. */
export function loadBinding(addon: string): NativeBinding {
  return createRequire(import.meta.url)(addon) as NativeBinding;
}

/** Registers the kernels and the backend in this thread's tfjs. @throws whatever loading throws. */
export function registerNativeBackend({ addon, javaScript, packageName }: NativeParts): void {
  repairNodeUtil();
  const binding = loadBinding(addon);
  const NodeJSKernelBackend = sharingTfjs(javaScript, (require) => {
    require("./dist/register_all_kernels.js");
    const exported = require("./dist/nodejs_kernel_backend.js") as {
      NodeJSKernelBackend: BackendConstructor;
    };
    return exported.NodeJSKernelBackend;
  });
  registerBackend(BACKEND_NAME, () => new NodeJSKernelBackend(binding, packageName));
}

type Resolve = (
  request: string,
  parent: { readonly filename?: string } | undefined,
  ...rest: unknown[]
) => string;

/**
 * Calls `load` with a `require` of the package in `folder`, for which `@tensorflow/tfjs` is the one that this package
 * imports: a second copy would keep its tensors and kernels apart.
 */
function sharingTfjs<R>(folder: string, load: (require: NodeJS.Require) => R): R {
  const tfjs = createRequire(createRequire(import.meta.url).resolve("@tensorflow/tfjs"));
  const resolve: unknown = Reflect.get(Module, "_resolveFilename");
  if (typeof resolve !== "function")
    throw new InternalError("this version of Node.js has no Module._resolveFilename");
  const redirected: Resolve = (request, parent, ...rest) => {
    const isOurs =
      parent?.filename?.startsWith(folder + sep) === true && request.startsWith("@tensorflow/tfjs");
    return isOurs
      ? tfjs.resolve(request)
      : (Reflect.apply(resolve, Module, [request, parent, ...rest]) as string);
  };
  Reflect.set(Module, "_resolveFilename", redirected);
  try {
    return load(createRequire(join(folder, "package.json")));
  } finally {
    Reflect.set(Module, "_resolveFilename", resolve);
  }
}
