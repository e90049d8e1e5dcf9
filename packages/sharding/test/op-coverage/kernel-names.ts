/**
 * The names of all kernels.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";

/** The kernel names that tfjs-core exports, each as a constant of its own name; sorted. */
export function tfjsKernelNames(): readonly string[] {
  return Object.entries(tf)
    .filter(([name, value]) => name === value)
    .map(([name]) => name)
    .sort();
}
