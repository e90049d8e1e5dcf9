/**
 * The parts of tfjs' API that reach behind operations: reading, profiling, saving, scopes, dtypes without collectives,
 * empty tensors, layers, and switching the backend.
 */
import { defineProgram } from "@meshwright/core";
import { createMesh, full, Partial, placementsOf, redistribute, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

export interface SurfaceFacts {
  readonly facts: Readonly<Record<string, unknown>>;
  /** Parts that left something behind. */
  readonly leaks: Readonly<Record<string, MemoryCounts>>;
}

const read = (t: tf.Tensor): unknown[] => [...t.dataSync()];

export default defineProgram(async ({ world }): Promise<SurfaceFacts> => {
  const early = { complex: tf.complex([1, 2], [3, 4]), text: tf.tensor(["a", "bc"]) };
  const mesh = createMesh(world, { tp: 2 });
  const facts: Record<string, unknown> = { early: earlyDtypes(early) };
  tf.dispose(early);
  const leaks: Record<string, MemoryCounts> = {};
  const part = async (name: string, body: () => unknown): Promise<void> => {
    const before = countMemory(world);
    facts[name] = await body();
    const grown = growth(before, countMemory(world));
    if (Object.values(grown).some((count) => count !== 0)) leaks[name] = grown;
  };
  /** `[[1, 2, 3], [4, 5, 6]]`, a row per rank. */
  const rows = (): tf.Tensor2D =>
    tf.tidy(() => shard(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), mesh, { tp: Shard(0) }));

  await part("reading", async () => {
    const x = rows();
    const buffer = await x.buffer();
    const result = [[...(await x.data())], await x.array(), buffer.get(1, 2), x.toString()];
    x.dispose();
    return result;
  });
  await part("profile", async () => {
    const x = rows();
    const profile = await tf.profile(() => tf.square(x));
    const time = await tf.time(() => {
      tf.square(x).dispose();
    });
    (profile.result as tf.Tensor).dispose();
    x.dispose();
    return [profile.kernelNames, profile.newTensors, typeof time.kernelMs];
  });
  await part("debug mode", () => {
    tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", true);
    tf.env().set("IS_TEST", true);
    const result = inScope(() => read(tf.matMul(rows(), rows(), false, true)));
    tf.env().set("IS_TEST", false);
    tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false);
    return result;
  });
  await part("saving", async () => {
    const x = rows();
    const { data, specs } = await tf.io.encodeWeights({ x });
    x.dispose();
    const loaded = tf.io.decodeWeights(data, specs);
    const values = read(loaded.x!);
    tf.dispose(loaded);
    return values;
  });
  await part("scopes", () => {
    tf.engine().startScope();
    const inner = tf.square(rows());
    const kept = tf.keep(inner.clone());
    tf.engine().endScope();
    const result = [inner.isDisposed, read(kept)];
    kept.dispose();
    return result;
  });
  await part("another backend", async () => {
    const x = rows();
    await tf.setBackend(world.engine.backendName);
    const there = tf.add(x, 1);
    const result = read(there);
    there.dispose();
    await tf.setBackend("sharded");
    x.dispose();
    return result;
  });
  await part("dtypes", () => inScope(() => dtypes(rows())));
  await part("no elements", () =>
    inScope(() => noElements((t, placement) => shard(t, mesh, { tp: placement }))),
  );
  await part("where", async () => {
    const mask = tf.tidy(() => tf.greater(rows(), 2));
    const found = await tf.whereAsync(mask);
    const result = await found.array();
    tf.dispose([mask, found]);
    return result;
  });
  return { facts, leaks };
});

/** What was made before the mesh, of dtypes that no collective moves. */
function earlyDtypes({ complex, text }: { readonly complex: tf.Tensor; readonly text: tf.Tensor }): unknown {
  return inScope(() => [
    read(tf.real(complex)),
    read(tf.add(complex, complex)),
    read(complex),
    read(tf.reshape(text, [2, 1])),
    Object.keys(placementsOf(text)),
  ]);
}

function dtypes(x: tf.Tensor): unknown {
  const mask = tf.greater(x, 2);
  const integers = tf.cast(x, "int32");
  const partial = redistribute(integers, { tp: Partial("sum") });
  const complex = tf.complex(x, tf.neg(x));
  return {
    bool: [mask.dtype, read(mask), read(tf.logicalNot(mask)), read(tf.all(mask)), read(tf.any(mask, 0))],
    int32: [read(tf.sum(integers)), tf.sum(integers).dtype, read(tf.max(integers, 0)), read(partial)],
    cast: [read(tf.sum(tf.cast(mask, "int32"))), read(tf.cast(tf.sub(x, 1), "bool"))],
    complex: [complex.dtype, read(tf.imag(complex)), read(tf.mul(complex, complex)).slice(0, 4)],
    fft: read(tf.real(tf.spectral.fft(tf.complex([1, 2, 3, 4], [0, 0, 0, 0])))),
    string: [read(tf.tensor([["a"], ["b"]]).reshape([2])), read(full(tf.tensor(["c"])))],
  };
}

function noElements(lay: (t: tf.Tensor, placement: ReturnType<typeof Shard>) => tf.Tensor): unknown {
  const across = lay(tf.zeros([0, 3]), Shard(1));
  const along = lay(tf.zeros([0, 3]), Shard(0));
  return [across, along].map((x) => [
    full(x).shape,
    read(tf.sum(x, 0)),
    read(tf.sum(x)),
    read(tf.add(x, 1)),
    tf.matMul(x, tf.ones([3, 2])).shape,
    read(tf.concat([x, tf.ones([1, 3])], 0)),
    read(redistribute(x, { tp: Partial() })),
  ]);
}
