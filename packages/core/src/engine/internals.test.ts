import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { InternalError } from "../errors.ts";
import { CpuMemory } from "./cpu-internals.ts";
import type { Engine } from "./engine.ts";
import { OutOfMemoryError } from "./out-of-memory.ts";
import { startEngine } from "./start.ts";
import { withoutLeak } from "./testing/check.ts";
import { WasmHeap } from "./wasm-internals.ts";

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine({ prefer: "wasm" });
});

describe("what the engine takes from inside tfjs 4.22", () => {
  test("a wasm tensor's bytes lie where the heap says", () => {
    withoutLeak(() => {
      const heap = new WasmHeap(tf.backend());
      const x = tf.tensor1d([1.5, -2, 3]);
      const { buffer } = heap.memory;
      expect([...new Float32Array(buffer, heap.address(x), 3)]).toEqual([1.5, -2, 3]);
      expect(heap.view(x).buffer).toBe(buffer);
      heap.view(x)[1] = 7;
      expect([...x.dataSync()]).toEqual([1.5, 7, 3]);
    });
  });

  test("an alias shares the elements, and the last release frees them", () => {
    const heap = new WasmHeap(tf.backend());
    const before = tf.backend().numDataIds();
    const first = heap.output([2, 3], "float32");
    const second = heap.alias(first, [6]);
    expect(heap.address(second)).toBe(heap.address(first));
    heap.release(first);
    expect(tf.backend().numDataIds()).toBe(before + 1);
    heap.release(second);
    expect(tf.backend().numDataIds()).toBe(before);
  });

  test("a cpu tensor's values are the array that the memory gives", async () => {
    await tf.setBackend("cpu");
    const memory = new CpuMemory(tf.backend());
    withoutLeak(() => {
      const x = tf.tensor1d([1, 2, 3], "int32");
      memory.view(x)[0] = 9;
      expect([...x.dataSync()]).toEqual([9, 2, 3]);
      expect(memory.holds(x)).toBe(true);
    });
    await tf.setBackend("wasm");
  });

  test("a backend with other internals is refused", () => {
    const foreign = new tf.KernelBackend();
    expect(() => new WasmHeap(foreign)).toThrow(InternalError);
    expect(() => new WasmHeap(foreign)).toThrow("internal: the tfjs wasm backend has no memory");
    expect(() => new CpuMemory(foreign)).toThrow("internal: the tfjs cpu backend has no data");
  });
});

describe("the engine's memory", () => {
  test.each(["float32", "int32", "bool"] as const)("create and view of %s share the elements", (dtype) => {
    withoutLeak(() => {
      const values = [1, 0, 1, 1, 0, 1];
      const info = engine.create([2, 3], dtype, (out) => {
        out.set(values);
      });
      const x = tf.engine().makeTensorFromTensorInfo(info);
      expect([x.shape, x.dtype, [...x.dataSync()], [...engine.view(x)]]).toEqual([
        [2, 3],
        dtype,
        values,
        values,
      ]);
    });
  });

  test("an allocation that does not fit is an error, and what stood there stays whole", () => {
    withoutLeak(() => {
      const x = tf.tensor1d([1, 2, 3]);
      const infos: tf.TensorInfo[] = [];
      const fillMemory = (): void => {
        for (let i = 0; i < 5; i++) infos.push(engine.create([2 ** 28], "float32"));
      };
      expect(fillMemory).toThrow(OutOfMemoryError);
      expect(fillMemory).toThrow(
        /^wasm engine: an allocation \(1073741824 bytes\) must fit into the heap \(\d+ bytes now, 4 GiB at most\); use more ranks, smaller micro-batches or recomputation\.$/,
      );
      for (const info of infos) tf.dispose(tf.engine().makeTensorFromTensorInfo(info));
      expect([...x.dataSync()]).toEqual([1, 2, 3]);
      expect([...tf.add(x, 1).dataSync()]).toEqual([2, 3, 4]);
    });
  });
});

describe("kernels that wasm lacks", () => {
  test("are listed, and none of our own is", () => {
    const bridged = engine.bridgedKernels();
    expect(bridged).toContain("Einsum");
    expect(bridged).toContain("FFT");
    expect(bridged).not.toContain("UnsortedSegmentSum");
    expect(bridged).toEqual([...bridged].sort());
  });

  test("run on the cpu backend and give tensors of the engine", () => {
    withoutLeak(() => {
      const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      const out = tf.einsum("ij,jk->ki", a, a);
      expect([...out.dataSync()]).toEqual([7, 15, 10, 22]);
      expect(tf.engine().backendName).toBe("wasm");
      expect([...tf.add(out, 1).dataSync()]).toEqual([8, 16, 11, 23]);
    });
  });

  test("complex tensors keep to the cpu backend", () => {
    withoutLeak(() => {
      const spectrum = tf.spectral.fft(tf.complex(tf.tensor1d([1, 2, 3, 4]), tf.zeros([4])));
      expect([...tf.real(spectrum).dataSync()]).toEqual([10, -2, -2, -2]);
      const shaped = spectrum.reshape([2, 2]);
      expect([...tf.imag(shaped).dataSync()].map(Math.round)).toEqual([0, 2, 0, -2]);
      const back = tf.spectral.ifft(shaped.reshape([4]));
      expect([...tf.real(back).dataSync()].map(Math.round)).toEqual([1, 2, 3, 4]);
    });
  });
});
