/**
 * The C++ sources of the fused operations, and how to compile them: what `meshwright engine install` needs to know.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The library's file, beside the addon of tfjs-node. */
export const FUSED_KERNELS_FILE = "meshwright_kernels.node";

const UNITS = ["fused-kernels.cc", "loops.cc"] as const;

/** The folder of the sources: beside this file, or in the package's `src` where this file was bundled into `dist`. */
export function nativeSourcesFolder(): string {
  const here = fileURLToPath(new URL("native", import.meta.url));
  if (existsSync(here)) return here;
  return fileURLToPath(new URL("../src/engine/tensorflow-kernels/native", import.meta.url));
}

/**
 * What the C++ compiler is called with.
 *
 * Of fast arithmetic only what changes no result is allowed: no traps and no `errno`. Loops are vectorised as their
 * pragmas say, for several instruction sets at once.
 *
 * @param options - `libraries`: folder of `libtensorflow.so` and `libtensorflow_framework.so`, in which the library is
 * written and finds them again; `nodeHeaders`: folder of `node_api.h`
 */
export function fusedKernelsArguments(options: {
  readonly libraries: string;
  readonly nodeHeaders: string;
}): readonly string[] {
  const { libraries, nodeHeaders } = options;
  return [
    ...["-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd"],
    ...["-shared", "-fPIC", "-I", nodeHeaders],
    ...UNITS.map((unit) => join(nativeSourcesFolder(), unit)),
    ...["-L", libraries, "-ltensorflow", "-ltensorflow_framework", "-Wl,-rpath,$ORIGIN"],
    // TensorFlow keeps pointers into the library, but Node.js unloads it with the last thread that loaded it.
    "-Wl,-z,nodelete",
    ...["-o", join(libraries, FUSED_KERNELS_FILE)],
  ];
}
