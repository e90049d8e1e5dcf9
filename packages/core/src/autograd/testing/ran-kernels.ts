/**
 * Which kernels a piece of code runs.
 */
import * as tf from "@tensorflow/tfjs";

/** The kernels that ran during `body`, in order. */
export function ranKernels(body: () => void): string[] {
  const ran: string[] = [];
  const engine = tf.engine();
  const runKernel = engine.runKernel.bind(engine);
  engine.runKernel = (name: string, ...rest: [tf.NamedTensorMap, tf.NamedAttrMap?]) => {
    ran.push(name);
    return runKernel(name, ...rest);
  };
  try {
    body();
  } finally {
    Reflect.deleteProperty(engine, "runKernel");
  }
  return ran;
}
