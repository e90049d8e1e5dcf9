/**
 * What every rank of the overhead benchmark runs: tiny operations on the engine alone and on the sharded backend.
 *
 * @packageDocumentation
 */
import { ContractError, defineProgram } from "@meshwright/core";
import { createMesh, shard, Shard, type DeviceMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { interleave } from "../statistics.ts";

/** Options of the program; the same on every rank. */
export interface OverheadOptions {
  readonly rounds: number;
  /** Operations per sample. */
  readonly calls: number;
}

/** One kind of operation: microseconds per operation, by round. */
export interface OverheadSamples {
  readonly name: string;
  readonly plain: readonly number[];
  readonly sharded: readonly number[];
}

type Operation = () => void;

/** Lays tensors out. */
interface Place {
  /** Rows over the ranks. */
  readonly split: (t: tf.Tensor) => tf.Tensor;
  /** The same on every rank. */
  readonly whole: (t: tf.Tensor) => tf.Tensor;
}

export default defineProgram<OverheadOptions, never, OverheadSamples[]>(({ world, options }) => {
  const { rounds, calls } = options;
  const engineBackend = world.engine.backendName;
  const plain = operationsOn({ split: (t) => t, whole: (t) => t });
  const mesh: DeviceMesh<{ tp: number }> = createMesh(world, { tp: world.size });
  const sharded = operationsOn({
    split: (t) => shard(t, mesh, { tp: Shard(0) }),
    whole: (t) => shard(t, mesh, {}),
  });
  const measured = Object.keys(plain).map((name) => {
    const samples = interleave(
      {
        plain: () => microsecondsPer(plain[name]!, { backend: engineBackend, calls }),
        sharded: () => microsecondsPer(sharded[name]!, { backend: "sharded", calls }),
      },
      { rounds, warmUp: 5 },
    );
    return { name, ...samples };
  });
  if (world.ledger.totals().length > 0) {
    throw new ContractError("overhead benchmark: operations must not communicate; use inputs split alike.");
  }
  return measured;
});

/** Every result is freed within its operation. */
function operationsOn({ split, whole }: Place): Record<string, Operation> {
  const a = split(tf.tensor1d([1, 2]));
  const b = split(tf.tensor1d([3, 4]));
  const x = split(tf.tensor2d([1, 2, 3, 4], [2, 2]));
  const w = whole(tf.tensor2d([5, 6, 7, 8], [2, 2]));
  return {
    "add [2]": () => {
      tf.add(a, b).dispose();
    },
    "relu [2]": () => {
      tf.relu(a).dispose();
    },
    "matMul [2, 2] x [2, 2]": () => {
      tf.matMul(x, w).dispose();
    },
    "reshape [2, 2] to [2, 2, 1]": () => {
      tf.reshape(x, [2, 2, 1]).dispose();
    },
    "tidy of mul and add [2]": () => {
      tf.tidy(() => {
        tf.add(tf.mul(a, b), b);
      });
    },
  };
}

function microsecondsPer(
  operation: Operation,
  { backend, calls }: { readonly backend: string; readonly calls: number },
): number {
  // The backend runs already, so the switch is done when the call returns.
  void tf.setBackend(backend);
  const start = performance.now();
  for (let call = 0; call < calls; call++) operation();
  return ((performance.now() - start) * 1000) / calls;
}
