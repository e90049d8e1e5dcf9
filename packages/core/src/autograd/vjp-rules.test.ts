import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { Parameter } from "../nn/parameter.ts";
import { checkLeaks } from "./testing/leaks.ts";
import { vjp, type Vjp } from "./vjp.ts";

checkLeaks();

describe("vjp", () => {
  beforeAll(async () => {
    await useTestEngine("cpu");
  });

  /** The values of gradients, which are disposed. */
  const valuesOf = (list: readonly (tf.Tensor | undefined)[]): (number[] | undefined)[] =>
    list.map((tensor) => {
      const values = tensor && [...tensor.dataSync()];
      tensor?.dispose();
      return values;
    });

  const variable = (initial: tf.Tensor, name: string): tf.Variable => {
    const made = tf.variable(initial, true, name);
    initial.dispose();
    return made;
  };

  test("takes the gradient of each argument, even of one tensor passed twice", () => {
    const x = tf.tensor1d([2, 3]);
    const { value, pullback } = vjp((a: tf.Tensor1D, b: tf.Tensor1D) => tf.mul(a, tf.mul(b, b)), [x, x]);
    const dy = tf.tensor1d([1, 10]);
    // d(a b^2) = b^2 da + 2ab db
    expect(valuesOf(pullback.all(dy).inputs)).toEqual([
      [4, 90],
      [8, 180],
    ]);
    tf.dispose([x, value, dy]);
  });

  test("returns a new tensor where f returns an input or a parameter", () => {
    const x = tf.tensor1d([2, 3]);
    const w = variable(tf.tensor1d([5, 7]), "vjp.w");
    const dy = tf.tensor1d([1, 10]);
    const same = vjp((a: tf.Tensor) => a, [x], { parameters: [w] });
    same.value.dispose();
    expect(x.isDisposed).toBe(false);
    const ofSame = same.pullback.all(dy);
    expect([valuesOf(ofSame.inputs), ofSame.parameters.size]).toEqual([[[1, 10]], 0]);
    const ignoring: (a: tf.Tensor) => tf.Tensor = () => w;
    const constant = vjp(ignoring, [x], { parameters: [w] });
    constant.value.dispose();
    expect(w.isDisposed).toBe(false);
    expect(valuesOf(constant.pullback.inputs(dy))).toEqual([undefined]);
    const late = constant.pullback.parameters();
    expect([...late.keys()]).toEqual(["vjp.w"]);
    expect(valuesOf([...late.values()])).toEqual([[1, 10]]);
    expect(dy.isDisposed).toBe(false);
    tf.dispose([x, w, dy]);
  });

  test("gives no gradient to integers, to what is not used, and through integers", () => {
    const x = tf.tensor1d([2.5, 3.5]);
    const indices = tf.tensor1d([1, 0], "int32");
    const unused = tf.scalar(1);
    const f = (...[a, b]: [tf.Tensor, tf.Tensor, tf.Tensor]): tf.Tensor =>
      tf.tidy(() => tf.gather(a, b.asType("int32")).mul(a.toInt().toFloat()));
    const { value, pullback } = vjp(f, [x, indices, unused]);
    const dy = tf.tensor1d([1, 10]);
    expect(valuesOf(pullback.all(dy).inputs)).toEqual([[30, 2], undefined, undefined]);
    tf.dispose([x, indices, unused, value, dy]);
  });

  test("differentiates by an input that is a parameter too, each on its own", () => {
    const w = variable(tf.scalar(3), "vjp.both");
    const { value, pullback } = vjp((a: tf.Tensor) => tf.mul(a, tf.square(w)), [w], { parameters: [w] });
    const dy = tf.scalar(1);
    const { inputs, parameters } = pullback.all(dy);
    expect([valuesOf(inputs), valuesOf([...parameters.values()])]).toEqual([[[9]], [[18]]]);
    tf.dispose([w, value, dy]);
  });

  test("differentiates by the parameters as they were in the forward pass", () => {
    const w = new Parameter({ shape: [2], initializer: { kind: "zeros" } });
    w.assign(tf.tensor1d([5, 7]));
    const x = tf.tensor1d([2, 3]);
    const { value, pullback } = vjp((a: tf.Tensor) => tf.mul(a, w.variable), [x], {
      parameters: new Map([["w", w]]),
    });
    w.assign(tf.tensor1d([100, 100]));
    const dy = tf.tensor1d([1, 10]);
    const { inputs, parameters } = pullback.all(dy);
    expect([valuesOf(inputs), valuesOf([...parameters.values()])]).toEqual([[[5, 70]], [[2, 30]]]);
    tf.dispose([x, value, dy]);
    w.dispose();
  });

  test("adds up gradients that alias each other or what is saved", () => {
    const both = tf.customGrad((a, b, save) => {
      const [left, right] = [a as tf.Tensor, b as tf.Tensor];
      (save as tf.GradSaveFunc)([left]);
      // One tensor for both inputs, and a saved one for the second of two uses.
      return { value: tf.add(left, right), gradFunc: (dy) => [dy, dy] };
    });
    const saved = tf.customGrad((a, save) => {
      (save as tf.GradSaveFunc)([a as tf.Tensor]);
      return { value: tf.sum(a as tf.Tensor), gradFunc: (_, [s]) => s! };
    });
    const x = tf.tensor1d([2, 3]);
    const direct = vjp((a: tf.Tensor, b: tf.Tensor) => both(a, b), [x, x]);
    const twins = direct.pullback.all(x).inputs;
    twins[0]!.dispose();
    expect(valuesOf([twins[1]])).toEqual([[2, 3]]);
    direct.value.dispose();
    const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      tf.tidy(() => tf.add(tf.sum(both(a, both(a, b))), saved(b)));
    const { value, pullback } = vjp(f, [x, x]);
    const dy = tf.scalar(1);
    expect(valuesOf(pullback.all(dy).inputs)).toEqual([
      [2, 2],
      [3, 4],
    ]);
    expect([...x.dataSync()]).toEqual([2, 3]);
    tf.dispose([x, value, dy]);
  });

  test("records inside a kernel, where tfjs itself does not", () => {
    const cube = tf.customGrad((a) => {
      const { value, pullback } = vjp((b: tf.Tensor) => tf.mul(tf.square(b), b), [a as tf.Tensor]);
      return { value, gradFunc: (dy) => pullback.all(dy).inputs[0]! };
    });
    const x = tf.tensor1d([2, 3]);
    const gradient = tf.grad((a) => cube(a))(x);
    expect([...gradient.dataSync()]).toEqual([12, 27]);
    tf.dispose([x, gradient]);
  });

  test("types the value and the arguments", () => {
    expectTypeOf(vjp<[tf.Tensor2D, tf.Tensor1D], tf.Scalar>)
      .parameter(0)
      .toEqualTypeOf<(a: tf.Tensor2D, b: tf.Tensor1D) => tf.Scalar>();
    expectTypeOf<Vjp<tf.Scalar>["value"]>().toEqualTypeOf<tf.Scalar>();
  });
});
