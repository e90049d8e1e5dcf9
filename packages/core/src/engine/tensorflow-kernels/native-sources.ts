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

/** The library that loads TensorFlow without its greeting. */
export const QUIET_LOAD_FILE = "meshwright_quiet_load.node";

const UNITS = [
  "fused-kernels.cc",
  "lent-memory.cc",
  "loops-cross-entropy.cc",
  "loops.cc",
  "operation.cc",
] as const;

/** The folder of the sources: beside this file, or in the package's `src` where this file was bundled into `dist`. */
export function nativeSourcesFolder(): string {
  const here = fileURLToPath(new URL("native", import.meta.url));
  if (existsSync(here)) return here;
  return fileURLToPath(new URL("../src/engine/tensorflow-kernels/native", import.meta.url));
}

/** Where to compile to, and against what. */
export interface NativeBuild {
  /** Folder of `libtensorflow.so` and `libtensorflow_framework.so`, in which the libraries are written. */
  readonly libraries: string;
  /** Folder of `node_api.h`. */
  readonly nodeHeaders: string;
}

/**
 * What the C++ compiler is called with for the fused operations.
 *
 * Of fast arithmetic only what changes no result is allowed: no traps and no `errno`. Loops are vectorised as their
 * pragmas say, for several instruction sets at once.
 */
export function fusedKernelsArguments({ libraries, nodeHeaders }: NativeBuild): readonly string[] {
  return [
    ...["-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd"],
    ...["-shared", "-fPIC", "-I", nodeHeaders],
    ...UNITS.map((unit) => join(nativeSourcesFolder(), unit)),
    // Both are needed, used or not: with only the framework kept, the rest would be loaded twice and end the process.
    ...[
      "-L",
      libraries,
      "-Wl,--no-as-needed",
      "-ltensorflow",
      "-ltensorflow_framework",
      "-Wl,-rpath,$ORIGIN",
    ],
    // TensorFlow keeps pointers into the library, but Node.js unloads it with the last thread that loaded it.
    "-Wl,-z,nodelete",
    ...["-o", join(libraries, FUSED_KERNELS_FILE)],
  ];
}

/** What the C++ compiler is called with for the library that loads TensorFlow quietly. */
export function quietLoadArguments({ libraries, nodeHeaders }: NativeBuild): readonly string[] {
  return [
    ...["-std=c++17", "-O2", "-shared", "-fPIC", "-I", nodeHeaders],
    ...[join(nativeSourcesFolder(), "quiet-load.cc"), "-ldl", "-o", join(libraries, QUIET_LOAD_FILE)],
  ];
}
