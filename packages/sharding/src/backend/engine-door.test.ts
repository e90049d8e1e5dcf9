/**
 * What the sharded backend relies on inside tfjs 4.22. Each message says what an upgrade changed.
 */
import { ContractError, startEngine, type Engine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aroundGradients, EngineDoor, findRegisteredBackend, moveDataTo } from "./engine-door.ts";

let engine: Engine;
let door: EngineDoor;
let numDataIds: number;

beforeAll(async () => {
  engine = await startEngine({ prefer: "wasm" });
  door = new EngineDoor(engine);
});

/** The engine's backend. */
function backend(): tf.KernelBackend {
  return findRegisteredBackend(engine.backendName)!;
}

function local(...values: number[]): tf.TensorInfo {
  return door.write(Float32Array.from(values), [values.length], "float32");
}

/** Makes cpu tfjs' current backend, the way the door does. */
function whileCpuIsCurrent(body: () => void): void {
  Object.assign(tf.engine(), { backendName: "cpu", backendInstance: tf.findBackend("cpu") });
  try {
    body();
  } finally {
    Object.assign(tf.engine(), { backendName: engine.backendName, backendInstance: backend() });
  }
}

beforeEach(() => {
  numDataIds = backend().numDataIds();
});
afterEach(() => {
  expect(backend().numDataIds(), "the door leaked engine data").toBe(numDataIds);
});

describe("tfjs' engine", () => {
  test("keeps the current backend in backendName and backendInstance", () => {
    const internals = tf.engine();
    const what = "the engine no longer takes the current backend from backendName and backendInstance";
    expect(Reflect.get(internals, "backendName"), what).toBe("wasm");
    expect(Reflect.get(internals, "backendInstance"), what).toBe(backend());
    whileCpuIsCurrent(() => {
      expect([tf.getBackend(), tf.backend()], what).toEqual(["cpu", tf.findBackend("cpu")]);
    });
    expect([tf.getBackend(), tf.backend()], what).toEqual(["wasm", backend()]);
  });

  test("lists backends in registryFactory", () => {
    expect(Object.keys(tf.engine().registryFactory), "registryFactory no longer lists backends").toContain(
      "wasm",
    );
    expect(findRegisteredBackend("no such backend")).toBeUndefined();
  });

  test("moves data by calling move of the new backend, once, with values and references", () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const alias = tf.reshape(x, [4]);
    const calls: unknown[] = [];
    const target = new tf.KernelBackend();
    target.move = (dataId, values, shape, dtype, refCount) => {
      calls.push([dataId === x.dataId, [...(values as Float32Array)], shape, dtype, refCount]);
    };
    target.disposeData = () => true;
    moveDataTo(target, x.dataId);
    expect(calls, "moveData no longer hands over values, shape, dtype and references").toEqual([
      [true, [1, 2, 3, 4], [2, 2], "float32", 2],
    ]);
    tf.dispose([x, alias]);
  });

  test("raises kernelDepth around a kernel, so that what it runs is not taped, tracked or scoped", () => {
    let depth: number | undefined;
    tf.registerKernel({
      kernelName: "DoorProbe",
      backendName: "wasm",
      kernelFunc: ({ inputs }) => {
        depth = tf.engine().state.kernelDepth;
        return door.run("Square", { x: inputs.x! }, {})[0]!;
      },
    });
    tf.registerGradient({
      kernelName: "DoorProbe",
      gradFunc: (dy) => ({ x: () => tf.mul(dy as tf.Tensor, 5) }),
    });
    const x = tf.tensor1d([3]);
    const before = tf.memory().numTensors;
    const gradient = tf.grad((t) => tf.engine().runKernel<tf.Tensor>("DoorProbe", { x: t }))(x);
    expect(depth, "kernelDepth is no longer raised while a kernel runs").toBeGreaterThan(0);
    // The probe's own gradient, not that of the Square inside it, which would be 6.
    expect([...gradient.dataSync()], "the kernel inside a kernel was taped").toEqual([5]);
    expect(tf.memory().numTensors - before, "the kernel inside a kernel was tracked").toBe(1);
    tf.dispose([x, gradient]);
    tf.unregisterKernel("DoorProbe", "wasm");
    tf.unregisterGradient("DoorProbe");
  });
});

describe("aroundGradients", () => {
  test("surrounds the gradients of what ran inside, and of nothing else", () => {
    let depth = 0;
    const depths: number[] = [];
    const around = <T>(gradient: () => T): T => {
      depth++;
      try {
        return gradient();
      } finally {
        depth--;
      }
    };
    const probe = tf.customGrad((...[x]: (tf.Tensor | tf.GradSaveFunc)[]) => ({
      value: tf.mul(x as tf.Tensor, 2),
      gradFunc: (dy: tf.Tensor) => {
        depths.push(depth);
        return tf.mul(dy, 2);
      },
    }));
    const x = tf.tensor1d([3]);
    const before = tf.memory().numTensors;
    const gradient = tf.grad((t) => probe(aroundGradients(() => probe(t), around)))(x);
    // Backward: the outer one first.
    expect(depths, "a tape is no longer an array of nodes with a gradient").toEqual([0, 1]);
    expect([...gradient.dataSync()]).toEqual([4]);
    expect(tf.memory().numTensors - before).toBe(1);
    expect(aroundGradients(() => 7, around)).toBe(7);
    tf.dispose([x, gradient]);
  });
});

describe("the engine's kernels", () => {
  test("are functions of inputs, attributes and backend that return a TensorInfo, or a list", () => {
    const x = local(1, -2, 3, 4);
    const single = door.run("Neg", { x }, {});
    expect(single, "a kernel no longer returns one TensorInfo").toHaveLength(1);
    expect(single[0], "a TensorInfo no longer has these fields").toMatchObject({
      shape: [4],
      dtype: "float32",
    });
    expect([...(door.read(single[0]!) as Float32Array)]).toEqual([-1, 2, -3, -4]);
    const halves = door.run("SplitV", { x }, { numOrSizeSplits: [1, 3], axis: 0 });
    expect(
      halves.map(({ shape }) => shape),
      "SplitV no longer returns a list",
    ).toEqual([[1], [3]]);
    expect([door.returnsList("Neg"), door.returnsList("SplitV"), door.returnsList("Unpack")]).toEqual([
      false,
      true,
      true,
    ]);
    for (const info of [x, ...single, ...halves]) door.dispose(info);
  });

  test("run with the engine as the current backend, and leave the old one current", () => {
    const seen: unknown[] = [];
    tf.registerKernel({
      kernelName: "DoorProbe",
      backendName: "wasm",
      kernelFunc: () => {
        seen.push(tf.getBackend());
        throw new RangeError("a kernel may fail");
      },
    });
    whileCpuIsCurrent(() => {
      expect(() => door.run("DoorProbe", {}, {})).toThrow(RangeError);
      expect([...seen, tf.getBackend()]).toEqual(["wasm", "cpu"]);
    });
    tf.unregisterKernel("DoorProbe", "wasm");
  });

  test("Identity and Reshape add a reference to the data; the last one frees it", () => {
    const x = local(1, 2, 3, 4);
    const [reshaped] = door.run("Reshape", { x }, { shape: [2, 2] });
    const shared = door.share(x);
    expect(
      [reshaped!.dataId, shared.dataId],
      "Reshape or Identity copies; tfjs clones every tensor that it saves for a gradient",
    ).toEqual([x.dataId, x.dataId]);
    expect(backend().refCount(x.dataId), "references are no longer counted by incRef").toBe(3);
    door.dispose(x);
    door.dispose(reshaped!);
    expect(backend().refCount(x.dataId), "disposeData no longer gives up one reference").toBe(1);
    expect([...(door.read(shared) as Float32Array)]).toEqual([1, 2, 3, 4]);
    door.dispose(shared);
    expect(backend().refCount(x.dataId)).toBe(0);
  });

  test("are not needed to reshape: the data gets one more owner", () => {
    const x = local(1, 2, 3, 4, 5, 6);
    const reshaped = door.reshape(x, [3, 2]);
    expect([reshaped.dataId, reshaped.shape]).toEqual([x.dataId, [3, 2]]);
    expect(backend().refCount(x.dataId)).toBe(2);
    door.dispose(x);
    expect([...(door.read(reshaped) as Float32Array)]).toEqual([1, 2, 3, 4, 5, 6]);
    door.dispose(reshaped);
    expect(backend().refCount(x.dataId)).toBe(0);

    const before = tf.memory().numTensors;
    const pairs = door.write(Float32Array.of(1, 5, 2, 6), [2], "complex64");
    const column = door.reshape(pairs, [2, 1]);
    door.dispose(pairs);
    expect([...(door.read(column) as Float32Array)]).toEqual([1, 5, 2, 6]);
    expect(column.shape).toEqual([2, 1]);
    door.dispose(column);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("hold complex values as whole tensors", () => {
    const before = tf.memory().numTensors;
    const pairs = door.write(Float32Array.of(1, 5, 2, 6), [2], "complex64");
    const shared = door.share(pairs);
    expect(shared).not.toBe(pairs);
    door.dispose(pairs);
    expect([...(door.read(shared) as Float32Array)], "complex values are no longer read in pairs").toEqual([
      1, 5, 2, 6,
    ]);
    door.dispose(shared);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("are named in the error where one is missing", () => {
    expect(() => door.run("NoSuchKernel", {}, {})).toThrow(
      new ContractError(
        'NoSuchKernel: kernel ("NoSuchKernel") must exist on the engine (wasm); use another engine, or register the kernel for "wasm".',
      ),
    );
    expect([door.has("NoSuchKernel"), door.has("Neg")]).toEqual([false, true]);
  });
});
