/** Multiplies matrices on every rank at once, each rank other ones, and returns the engine and one element. */
import { defineProgram } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";

export default defineProgram(({ world }) => {
  const size = 64 + world.rank;
  const value = tf.tidy(() => {
    let x = tf.fill([size, size], 1 / size);
    // x stays what it is under multiplication with itself; every other step meets other operations.
    for (let i = 0; i < 50; i++) x = tf.div(tf.matMul(x, x), tf.max(tf.matMul(x, x))).mul(1 / size);
    return x.dataSync<"float32">()[0]! * size;
  });
  return { engine: world.engine.name, value };
});
