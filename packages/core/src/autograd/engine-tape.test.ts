/**
 * What the autograd code relies on inside tfjs 4.22. Each message says what an upgrade changed.
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import {
  activeTape,
  appendNode,
  firstNewId,
  giveToScope,
  inScope,
  isRecording,
  keep,
  keepMade,
  recordOn,
  save,
  withData,
  withoutRecording,
} from "./engine-tape.ts";
import type { TapeNode } from "./tape-node.ts";
import { checkLeaks } from "./testing/leaks.ts";

beforeAll(async () => {
  await useTestEngine("cpu");
});
checkLeaks();

function freeSaved(tape: readonly TapeNode[]): void {
  for (const { saved } of tape) tf.dispose([...saved]);
}

describe("tfjs' tape", () => {
  test("is state.activeTape, which gets a node per kernel by push", () => {
    const [x, y] = [tf.tensor1d([2, 3]), tf.tensor1d([5, 7])];
    const tape: TapeNode[] = [];
    const product = inScope(
      () => recordOn(tape, () => tf.mul(x, y)),
      (result) => result,
    );
    const what = "the engine no longer pushes { kernelName, inputs, outputs, saved, gradient } to activeTape";
    const node = tape.at(-1)!;
    expect(node, what).toMatchObject({ kernelName: "Multiply", inputs: { a: x, b: y }, outputs: [product] });
    expect(
      node.saved.map((t) => [...t.dataSync()]),
      what,
    ).toEqual([
      [2, 3],
      [5, 7],
    ]);
    // A clone that is saved is a node too, under the name of the scope.
    expect(tape.slice(0, -1), "saved clones are no longer noted on the tape").toMatchObject([
      { inputs: { x }, outputs: [node.saved[0]] },
      { inputs: { x: y }, outputs: [node.saved[1]] },
    ]);
    const dy = tf.tensor1d([1, 10]);
    const closures = node.gradient!([dy]);
    expect(Object.keys(closures), "node.gradient no longer returns a function per input").toEqual(["a", "b"]);
    const gradients = tf.tidy(() => [closures.a!(), closures.b!()]);
    expect(gradients.map((t) => [...t.dataSync()])).toEqual([
      [5, 70],
      [2, 30],
    ]);
    expect(dy.isDisposed, "node.gradient disposes dy").toBe(false);
    freeSaved(tape);
    tf.dispose([x, y, product, dy, gradients]);
  });

  test("records where gradientDepth is positive and kernelDepth zero", () => {
    const seen: unknown[] = [];
    const x = tf.scalar(2);
    const probe = tf.customGrad((a) => {
      seen.push(["kernel", isRecording()]);
      return { value: tf.square(a as tf.Tensor), gradFunc: (dy) => dy };
    });
    seen.push(["outside", isRecording()]);
    tf.tidy(() => {
      tf.grad((a) => {
        seen.push(["inside", isRecording()]);
        withoutRecording(() => seen.push(["paused", isRecording()]));
        return probe(a);
      })(x);
    });
    x.dispose();
    expect(seen, "isTapeOn no longer follows gradientDepth and kernelDepth").toEqual([
      ["outside", false],
      ["inside", true],
      ["paused", false],
      ["kernel", false],
    ]);
  });

  test("comes back after another one recorded, even if that failed", () => {
    const x = tf.scalar(3);
    const inner: TapeNode[] = [];
    const gradient = tf.grad((a) => {
      const outer = activeTape();
      const square = tf.square(a);
      expect(() => recordOn(inner, () => (tf.exp(a), tf.scalar(NaN).toInt().reshape([7])))).toThrow();
      expect(activeTape()).toBe(outer);
      return tf.mul(square, a);
    })(x);
    expect([...gradient.dataSync()], "nodes of the inner tape reached the outer one").toEqual([27]);
    expect(inner.map(({ kernelName }) => kernelName)).toContain("Exp");
    freeSaved(inner);
    tf.dispose([x, gradient]);
  });

  test("may be read by tfjs' backward pass with a node of ours, whose gradient gets the wanted inputs as `this`", () => {
    const [x, y] = [tf.tensor1d([2, 3]), tf.tensor1d([5, 7])];
    const wanted: string[][] = [];
    const gradient = tf.grad((a) => {
      const value = withoutRecording(() => tf.mul(a, y));
      appendNode({
        kernelName: "TapeProbe",
        inputs: { left: a, right: y },
        outputs: [value],
        saved: [],
        gradient([dy]) {
          wanted.push(Object.keys(this.inputs));
          return { left: () => tf.mul(dy!, y) };
        },
      });
      return value;
    })(x);
    expect(wanted, "the backward pass no longer calls gradient on the node with pruned inputs").toEqual([
      ["left"],
    ]);
    expect([...gradient.dataSync()]).toEqual([5, 7]);
    tf.dispose([x, y, gradient]);
  });
});

describe("tfjs' tensors", () => {
  test("are disposed by the scope that tracks them unless kept, and can be given back", () => {
    const kept = inScope(() => keep(tf.scalar(1)));
    expect(kept.isDisposed, "`kept` no longer saves a tensor from its scope").toBe(false);
    inScope(() => giveToScope(kept));
    expect(kept.isDisposed, "track no longer gives a tensor to the active scope").toBe(true);
    const { result, made } = keepMade(() => {
      tf.tidy(() => tf.scalar(2));
      const gone = tf.scalar(3);
      gone.dispose();
      return tf.scalar(4);
    });
    expect(
      made.map((t) => t.dataSync()[0]),
      "activeScope.track no longer lists what a scope made",
    ).toEqual([2, 4]);
    expect(made).toContain(result);
    tf.dispose([...made]);
  });

  test("have ids that grow", () => {
    const x = tf.scalar(1);
    const id = firstNewId();
    const y = tf.scalar(1);
    expect([x.id < id, y.id > id], "nextTensorId no longer counts up").toEqual([true, true]);
    tf.dispose([x, y]);
  });

  test("are saved as clones that share data and outlive their source", () => {
    const x = tf.scalar(5);
    const tape: TapeNode[] = [];
    const saved = inScope(() => recordOn(tape, () => save(x)));
    expect(tape, "engine.clone no longer notes one node from the source to the clone").toMatchObject([
      { inputs: { x }, outputs: [saved] },
    ]);
    expect(saved.dataId).toBe(x.dataId);
    x.dispose();
    expect(saved.dataSync()[0]).toBe(5);
    saved.dispose();
  });

  test("can stand for other data for a while, disposed ones too", () => {
    const [gone, other] = [tf.tensor1d([2, 3]), tf.tensor1d([5, 7])];
    gone.dispose();
    const sum = withData([[gone, other]], () => tf.add(gone, 1));
    expect([...sum.dataSync()], "dataId or isDisposedInternal no longer say what a tensor is").toEqual([
      6, 8,
    ]);
    expect([gone.isDisposed, other.isDisposed]).toEqual([true, false]);
    tf.dispose([other, sum]);
  });
});
