/**
 * The reduction kernels, instantiated on the arena's memory.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport.ts";
import { reduceWasmBase64 } from "../generated/reduce.wasm.ts";
import type { ArenaMemory } from "./arena-memory.ts";
import { webAssembly, type SharedWasmMemory } from "./web-assembly.ts";

type DTypeSuffix = "Float32" | "Int32" | "Bytes";
/** `target[i]` = reduction of element `i` over the `ranks` byte addresses that lie at `table`. */
type Kernel = (table: number, ranks: number, target: number, count: number) => void;
type KernelExports = Readonly<Record<`${ReduceOp}${DTypeSuffix}`, Kernel>>;
type KernelsByOp = Readonly<Record<ReduceOp, Kernel>>;

/** Reduces arrays that lie in the arena. */
export class ReduceKernels {
  readonly #float32: KernelsByOp;
  readonly #int32: KernelsByOp;
  readonly #bytes: KernelsByOp;
  readonly #words: Int32Array;
  readonly #table: number;

  constructor(memory: ArenaMemory, rank: number, shared: SharedWasmMemory) {
    const api = webAssembly();
    const module = new api.Module(Buffer.from(reduceWasmBase64, "base64"));
    const all = new api.Instance(module, { env: { memory: shared } }).exports as KernelExports;
    this.#float32 = { sum: all.sumFloat32, max: all.maxFloat32, min: all.minFloat32, avg: all.avgFloat32 };
    this.#int32 = { sum: all.sumInt32, max: all.maxInt32, min: all.minInt32, avg: all.avgInt32 };
    this.#bytes = { sum: all.sumBytes, max: all.maxBytes, min: all.minBytes, avg: all.avgBytes };
    this.#words = memory.words;
    this.#table = memory.table(rank);
  }

  /**
   * Reduces `count` elements of `like`'s dtype, element `first` on, of the arrays whose word offsets are in `sources`,
   * in that order. The result goes to word offset `target`, also from element `first` on.
   */
  reduce(
    like: NumericArray,
    op: ReduceOp,
    sources: Int32Array,
    target: number,
    range: { readonly first: number; readonly count: number },
  ): void {
    if (range.count <= 0) return;
    const skipBytes = range.first * like.BYTES_PER_ELEMENT;
    for (let index = 0; index < sources.length; index++) {
      this.#words[this.#table + index] = sources[index]! * 4 + skipBytes;
    }
    const kernels =
      like instanceof Float32Array ? this.#float32 : like instanceof Int32Array ? this.#int32 : this.#bytes;
    kernels[op](this.#table * 4, sources.length, target * 4 + skipBytes, range.count);
  }
}
