import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { Dropout } from "../nn/dropout.ts";
import { checkpoint } from "./checkpoint.ts";
import { bitsOf, referencesOf, takeBits } from "./testing/bits.ts";
import { checkLeaks } from "./testing/leaks.ts";
import { blockSubject, gptStages, subjects, type Subject } from "./testing/models.ts";
import { vjp } from "./vjp.ts";

checkLeaks();

/** The same subject, recomputed. */
function recomputed(subject: Subject): Subject {
  return { ...subject, f: checkpoint(subject.f) };
}

describe.each(TEST_BACKENDS)("checkpoint on %s", (backend) => {
  beforeAll(async () => {
    await useTestEngine(backend);
  });

  describe.each(Object.entries(subjects()))("of %s", (_, create) => {
    test("has the gradients without it, bit for bit, inside tf.grads", () => {
      const subject = create();
      const seeds = [1, 2];
      const expected = referencesOf(subject, seeds);
      expect(referencesOf(recomputed(subject), seeds)).toEqual(expected);
      subject.dispose();
    });

    test("has the gradients without it, bit for bit, inside vjp, whole and in two steps", () => {
      const subject = create();
      const seeds = [1, 2, 3];
      const expected = referencesOf(subject, seeds);
      const pullbacks = seeds.map((seed) => {
        const x = subject.input(seed);
        const { value, pullback } = vjp(checkpoint(subject.f), [x], { parameters: subject.parameters });
        tf.dispose([x, value]);
        return pullback;
      });
      const callIndices = subject.counters.map(({ callIndex }) => callIndex);
      const dys = seeds.map(subject.dy);
      const inputs = pullbacks[2]!.inputs(dys[2]!);
      expect(takeBits(pullbacks[0]!.all(dys[0]!))).toEqual(expected[0]);
      expect(takeBits({ inputs, parameters: pullbacks[2]!.parameters() })).toEqual(expected[2]);
      expect(takeBits(pullbacks[1]!.all(dys[1]!))).toEqual(expected[1]);
      expect(subject.counters.map(({ callIndex }) => callIndex)).toEqual(callIndices);
      tf.dispose(dys);
      subject.dispose();
    });

    test("keeps only its inputs and what it captured", () => {
      const subject = create();
      const x = subject.input(1);
      const whole = vjp(subject.f, [x], { parameters: subject.parameters });
      const light = vjp(checkpoint(subject.f), [x], { parameters: subject.parameters });
      expect(light.pullback.numSaved).toBe(1 + subject.parameters.size);
      expect(light.pullback.savedBytes).toBe(4 * x.size);
      expect(whole.pullback.savedBytes).toBeGreaterThan(4 * 4 * x.size);
      for (const { value, pullback } of [whole, light]) {
        value.dispose();
        pullback.dispose();
      }
      x.dispose();
      subject.dispose();
    });
  });

  test("nests, with dropout in the inner and the outer function", () => {
    const { first, last, model } = gptStages();
    const drop = new Dropout({ rate: 0.5, seed: 4, name: "outer" });
    const counters = [...first.counters, ...last.counters, drop];
    const run = (wrap: typeof checkpoint): Subject => ({
      ...first,
      counters,
      dy: last.dy,
      parameters: new Map([
        ...first.parameters,
        ...[...last.parameters].map(([name, parameter]) => [`last ${name}`, parameter] as const),
      ]),
      f: wrap((tokens: tf.Tensor) =>
        tf.tidy(() => {
          const inner = wrap((x: tf.Tensor) => drop.apply(model.blocks[0]!.apply(x)));
          return wrap(last.f)(inner(drop.apply(first.f(tokens))));
        }),
      ),
    });
    const plain = run((f) => f);
    const expected = referencesOf(plain, [1, 2]);
    const nested = run(checkpoint);
    expect(referencesOf(nested, [1, 2])).toEqual(expected);
    const x = nested.input(1);
    const { value, pullback } = vjp(nested.f, [x], { parameters: nested.parameters });
    const dy = nested.dy(1);
    const inputs = pullback.inputs(dy);
    expect(takeBits({ inputs, parameters: pullback.parameters() })).toEqual(expected[0]);
    tf.dispose([x, value, dy]);
    first.dispose();
  });

  test("is the function itself where nothing is differentiated", () => {
    const subject = blockSubject();
    const x = subject.input(1);
    const plain = subject.f(x);
    subject.counters[0]!.callIndex = 0;
    const same = checkpoint(subject.f)(x);
    expect(bitsOf(same)).toEqual(bitsOf(plain));
    tf.dispose([x, plain, same]);
    subject.dispose();
  });
});

describe("checkpoint", () => {
  beforeAll(async () => {
    await useTestEngine("cpu");
  });

  const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

  test("passes gradients to tensors of the outside that are gone when it runs again", () => {
    const x = tf.tensor1d([2, 3]);
    // The square is an intermediate of the outer function, disposed at the end of its forward pass.
    const outer = (wrap: typeof checkpoint) => (a: tf.Tensor) =>
      tf.tidy(() => {
        const square = tf.square(a);
        const mask = tf.tensor1d([1, 0], "bool");
        return wrap((b: tf.Tensor) => tf.where(mask, tf.mul(b, square), tf.mul(tf.mul(b, square), square)))(
          a,
        );
      });
    const dy = tf.tensor1d([1, 10]);
    // a^3 and a^5
    for (const found of [
      tf.grad(outer(checkpoint))(x, dy),
      (() => {
        const { value, pullback } = vjp(outer(checkpoint), [x]);
        value.dispose();
        return pullback.all(dy).inputs[0]!;
      })(),
    ]) {
      expect(values(found)).toEqual([12, 4050]);
      found.dispose();
    }
    tf.dispose([x, dy]);
  });

  test("runs again on the parameters as they were, and leaves them as they are", () => {
    const initial = tf.tensor1d([5, 7]);
    const w = tf.variable(initial, true, "checkpoint.w");
    const x = tf.tensor1d([2, 3]);
    const { value, pullback } = vjp(
      checkpoint((a: tf.Tensor) => tf.mul(tf.square(a), w)),
      [x],
      {
        parameters: [w],
      },
    );
    const next = tf.tensor1d([100, 200]);
    w.assign(next);
    const dy = tf.tensor1d([1, 10]);
    const { inputs, parameters } = pullback.all(dy);
    expect([values(inputs[0]!), values(parameters.get("checkpoint.w")!), values(w)]).toEqual([
      [20, 420],
      [4, 90],
      [100, 200],
    ]);
    tf.dispose([initial, w, x, value, next, dy, inputs[0]!, ...parameters.values()]);
  });

  test("returns a new tensor where f returns an input or a tensor of the outside", () => {
    const x = tf.tensor1d([2, 3]);
    const dy = tf.tensor1d([1, 10]);
    // The second ignores its argument: `x` is from outside, and no argument of vjp.
    const kinds: readonly (readonly [(a: tf.Tensor) => tf.Tensor, number[] | undefined])[] = [
      [checkpoint((a: tf.Tensor) => a), [1, 10]],
      [checkpoint((): tf.Tensor => x), undefined],
    ];
    for (const [f, expected] of kinds) {
      const gradient = tf.grad((a) => f(a).mul(2))(x, dy);
      expect(values(gradient)).toEqual([2, 20]);
      gradient.dispose();
      const { value, pullback } = vjp(f, [x]);
      value.dispose();
      const [dx] = pullback.all(dy).inputs;
      expect(dx && values(dx)).toEqual(expected);
      dx?.dispose();
    }
    expect(x.isDisposed).toBe(false);
    tf.dispose([x, dy]);
  });

  test("computes no gradient that is not wanted, inside tf.grad and inside vjp", () => {
    const cubed = tf.customGrad((a, save) => {
      (save as tf.GradSaveFunc)([a as tf.Tensor]);
      return {
        value: tf.pow(a as tf.Tensor, 3),
        gradFunc: () => {
          throw new RangeError("not wanted");
        },
      };
    });
    const [x, fixed] = [tf.tensor1d([2, 3]), tf.tensor1d([5, 7])];
    const f = checkpoint((a: tf.Tensor) => tf.mul(a, cubed(fixed)));
    const gradient = tf.grad(f)(x);
    expect(values(gradient)).toEqual([125, 343]);
    const { value, pullback } = vjp(f, [x]);
    const [dx] = pullback.all(fixed).inputs;
    expect(values(dx!)).toEqual([625, 2401]);
    tf.dispose([x, fixed, gradient, value, dx!]);
  });

  test("leaves nothing where f throws, forward or when it runs again", () => {
    const x = tf.tensor1d([2, 3]);
    let runs = 0;
    const f = checkpoint((a: tf.Tensor) => {
      const square = tf.square(tf.exp(a));
      if (++runs % 2 === 0) throw new RangeError("in f");
      return square;
    });
    const { value, pullback } = vjp(f, [x]);
    expect(() => pullback.all(x)).toThrow(new RangeError("in f"));
    value.dispose();
    runs = 1;
    expect(() => vjp((a: tf.Tensor) => f(tf.square(a)), [x])).toThrow(new RangeError("in f"));
    expect(tf.engine().isTapeOn()).toBe(false);
    x.dispose();
  });

  test("refuses an f that does something else the second time", () => {
    const x = tf.tensor1d([2, 3]);
    let runs = 0;
    const f = checkpoint((a: tf.Tensor) => (++runs === 1 ? tf.square(a) : tf.square(tf.neg(a))));
    const { value, pullback } = vjp(f, [x]);
    // Each kernel is recorded together with the clones that it saves: square with one.
    expect(() => pullback.all(x)).toThrow(
      new ContractError(
        "checkpoint: f (3 kernels when recomputed) must do the same each time (2 kernels forward) and return the same shape; use a function without side effects, and setTraining only between steps.",
      ),
    );
    tf.dispose([x, value]);
  });

  test("refuses gradients of gradients", () => {
    const x = tf.scalar(2);
    const f = checkpoint((a: tf.Tensor) => tf.pow(a, 3));
    const second = tf.grad((a) => tf.grad(f)(a));
    expect(() => second(x)).toThrow(
      "checkpoint: the call (inside a function that is being differentiated) must not lie inside tf.grad",
    );
    // Where the outer function fails, tfjs forgets what its own tape saved.
    for (const { saved } of tf.engine().state.activeTape) tf.dispose(saved ?? []);
    x.dispose();
  });

  test("types the arguments and the value", () => {
    expectTypeOf(
      checkpoint((a: tf.Tensor2D, b: tf.Tensor1D): tf.Scalar => tf.sum(tf.mul(a, b))),
    ).toEqualTypeOf<(a: tf.Tensor2D, b: tf.Tensor1D) => tf.Scalar>();
  });
});
