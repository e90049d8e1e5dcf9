import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { gradients } from "../optim/gradients.ts";
import type { InputGradients } from "./pullback.ts";
import { bitsOf, referencesOf, takeBits } from "./testing/bits.ts";
import { checkLeaks } from "./testing/leaks.ts";
import { gptStages, mlpSubject, subjects, type Subject } from "./testing/models.ts";
import { vjp, type Vjp } from "./vjp.ts";

checkLeaks();

/** Disposes the subject's parameters after `body`. */
function withSubject(subject: Subject, body: (subject: Subject) => void): void {
  try {
    body(subject);
  } finally {
    subject.dispose();
  }
}

/** The forward pass of one micro-batch; input and value are disposed at once, as a stage does that has sent them on. */
function forward({ f, parameters, input }: Subject, seed: number): Vjp<tf.Tensor>["pullback"] {
  const x = input(seed);
  const { value, pullback } = vjp(f, [x], { parameters });
  tf.dispose([x, value]);
  return pullback;
}

function withDy<R>({ dy }: Subject, seed: number, body: (dy: tf.Tensor) => R): R {
  const gradient = dy(seed);
  try {
    return body(gradient);
  } finally {
    gradient.dispose();
  }
}

describe.each(TEST_BACKENDS)("vjp on %s", (backend) => {
  beforeAll(async () => {
    await useTestEngine(backend);
  });

  describe.each(Object.entries(subjects()))("of %s", (_, create) => {
    test("has the value of f and the gradients of tf.grads, bit for bit", () => {
      withSubject(create(), (subject) => {
        const [expected] = referencesOf(subject, [1]);
        const x = subject.input(1);
        const { value, pullback } = vjp(subject.f, [x], { parameters: subject.parameters });
        for (const counter of subject.counters) counter.callIndex = 0;
        const plain = subject.f(x);
        expect(bitsOf(value)).toEqual(bitsOf(plain));
        tf.dispose([x, value, plain]);
        expect(withDy(subject, 1, (dy) => takeBits(pullback.all(dy)))).toEqual(expected);
        expect(pullback.numSaved).toBe(0);
      });
    });

    test("gives inputs first and parameters later, bit for bit", () => {
      withSubject(create(), (subject) => {
        const [expected] = referencesOf(subject, [2]);
        const pullback = forward(subject, 2);
        const inputs = withDy(subject, 2, (dy) => pullback.inputs(dy));
        expect(pullback.numSaved).toBeGreaterThan(0);
        expect(takeBits({ inputs, parameters: pullback.parameters() })).toEqual(expected);
      });
    });

    test("keeps 8 micro-batches apart, pulled back in mixed order and in mixed ways", () => {
      withSubject(create(), (subject) => {
        const seeds = [11, 12, 13, 14, 15, 16, 17, 18];
        const expected = referencesOf(subject, seeds);
        const pullbacks = seeds.map((seed) => forward(subject, seed));
        const inputs = new Map<number, InputGradients>();
        const first = (i: number): void => {
          inputs.set(
            i,
            withDy(subject, seeds[i]!, (dy) => pullbacks[i]!.inputs(dy)),
          );
        };
        const second = (i: number): void => {
          const parameters = pullbacks[i]!.parameters();
          expect(takeBits({ inputs: inputs.get(i)!, parameters }), `micro-batch ${i}`).toEqual(expected[i]);
        };
        const whole = (i: number): void => {
          const bits = withDy(subject, seeds[i]!, (dy) => takeBits(pullbacks[i]!.all(dy)));
          expect(bits, `micro-batch ${i}`).toEqual(expected[i]);
        };
        first(3);
        whole(5);
        first(0);
        second(3);
        first(7);
        whole(1);
        whole(6);
        first(2);
        second(7);
        second(0);
        second(2);
        whole(4);
      });
    });
  });

  test("of one stage after the other is the gradient of the whole model", () => {
    const { model, first, last } = gptStages();
    const tokens = first.input(5);
    const whole = gradients({ first: model }, () =>
      tf.tidy(() => last.f(first.f(tokens)).mul(1.5).asScalar()),
    );
    const expected = [...whole.grads].map(([name, gradient]) => [
      name.slice("first.".length),
      bitsOf(gradient),
    ]);
    for (const counter of [...first.counters, ...last.counters]) counter.callIndex = 0;
    const below = vjp(first.f, [tokens], { parameters: first.parameters });
    const above = vjp(last.f, [below.value], { parameters: last.parameters });
    const dy = tf.scalar(1.5);
    const [dx] = above.pullback.inputs(dy);
    const ofFirst = below.pullback.all(dx!);
    const ofLast = above.pullback.parameters();
    const rename = (name: string): string => name.replace(/^block\./, "blocks.1.");
    const found = [...ofFirst.parameters, ...ofLast].map(([name, gradient]) => [
      rename(name),
      bitsOf(gradient),
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect(ofFirst.inputs).toEqual([undefined]);
    tf.dispose([tokens, below.value, above.value, dy, dx!, whole.loss]);
    tf.dispose([...whole.grads.values(), ...ofFirst.parameters.values(), ...ofLast.values()]);
    first.dispose();
  });

  test("works inside tf.tidy, which owns value and gradients", () => {
    withSubject(mlpSubject(), (subject) => {
      const [expected] = referencesOf(subject, [1]);
      tf.tidy(() => {
        const { value, pullback } = vjp(subject.f, [subject.input(1)], { parameters: subject.parameters });
        expect(value.isDisposed).toBe(false);
        const found = pullback.all(subject.dy(1));
        expect(Object.fromEntries([...found.parameters].map(([name, g]) => [name, bitsOf(g)]))).toMatchObject(
          Object.fromEntries(Object.entries(expected!).filter(([name]) => name !== "0")),
        );
      });
    });
  });

  test("outlives the scope of its forward pass", () => {
    withSubject(mlpSubject(), (subject) => {
      const [expected] = referencesOf(subject, [1]);
      let pullback: Vjp<tf.Tensor>["pullback"] | undefined;
      tf.tidy(() => {
        ({ pullback } = vjp(subject.f, [subject.input(1)], { parameters: subject.parameters }));
      });
      expect(withDy(subject, 1, (dy) => takeBits(pullback!.all(dy)))).toEqual(expected);
    });
  });
});
