/**
 * Causal ring attention on one rank's tensors, forward and backward.
 *
 * Legend: p = ranks on the axis, B = sequences, H = query heads, K = key and value heads, G = H / K, C = positions per
 * chunk (a rank holds two), Dh = features of a head; all of them on this rank.
 *
 * ```
 *   forward    step 0..p-1: attend to the visiting keys, merge; pass keys and values on
 *   backward   step 0..p-1: gradients of the visiting keys and values are added to those that travel with them
 *              rank r's own stay at home in step 0; the sums of the others come home after the last step
 * ```
 *
 * @see Liu et al. 2023, "Ring attention with blockwise transformers for near-infinite context", section 3,
 * https://arxiv.org/abs/2310.01889
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { EngineDoor } from "../backend/engine-door.ts";
import { exchangeAlongRing } from "../local-map/ring.ts";
import {
  BlockAttention,
  type BlockKeys,
  type BlockQueries,
  type RunningAttention,
} from "./attention-block.ts";
import { ChunkBuffers } from "./chunk-buffers.ts";
import { CHUNKS_PER_RANK, type ContextOrder } from "./chunk-order.ts";
import { ringPlan, type Block, type RingStep } from "./ring-plan.ts";

/** Where a pass runs. */
export interface RingPlace {
  readonly door: EngineDoor;
  /** The ranks that hold the parts of the sequence. */
  readonly group: ProcessGroup;
  readonly order: ContextOrder;
}

/** Queries `[B, H, 2 C, Dh]`, keys and values `[B, K, 2 C, Dh]`. */
export interface RingInputs {
  readonly q: TensorInfo;
  readonly k: TensorInfo;
  readonly v: TensorInfo;
}

const CHUNKS = Array.from({ length: CHUNKS_PER_RANK }, (_, chunk) => chunk);
/** Keys and values share a buffer, and so do their gradients. */
const [KEYS, VALUES] = [0, 1];
/** A score that counts as nothing next to any other, and stays finite when another is subtracted. */
const HIDDEN = -1e30;

/** One pass around the ring. Everything that it makes on the engine is freed by it, or returned. */
export class RingPass {
  readonly #place: RingPlace;
  readonly #block: BlockAttention;
  readonly #plan: readonly RingStep[];
  readonly #queries: ChunkBuffers;
  readonly #keys: ChunkBuffers;
  readonly #inputs: RingInputs;
  readonly #scale: number;
  /** `[B, K, G C, Dh]`: heads that share keys are rows of one product. */
  readonly #rowsShape: readonly number[];
  readonly #mask: TensorInfo;

  constructor(place: RingPlace, inputs: RingInputs) {
    const { door, group, order } = place;
    const { q, k } = inputs;
    this.#place = place;
    this.#inputs = inputs;
    this.#block = new BlockAttention(door);
    this.#plan = ringPlan(order, group.rank, group.size);
    this.#queries = new ChunkBuffers(door, q.shape, 1);
    this.#keys = new ChunkBuffers(door, k.shape, 2);
    this.#scale = 1 / Math.sqrt(q.shape[3]!);
    const [batch, keyHeads] = k.shape as [number, number];
    const [, heads, positions, features] = this.#queries.chunkShape as [number, number, number, number];
    this.#rowsShape = [batch, keyHeads, (heads / keyHeads) * positions, features];
    this.#mask = door.engine.create([positions, positions], "float32", (out) => {
      out.fill(0);
      for (let row = 0; row < positions; row++)
        out.fill(HIDDEN, row * positions + row + 1, (row + 1) * positions);
    });
  }

  /** `y` `[B, H, 2 C, Dh]`, and the logarithms of the sums of exponentials, `[2, B, H, C]`. */
  forward(): readonly [y: TensorInfo, logSumExp: TensorInfo] {
    const queries = this.#scaledQueries();
    const running: (RunningAttention | undefined)[] = CHUNKS.map(() => undefined);
    let visiting = this.#keys.pack([this.#inputs.k, this.#inputs.v]);
    let spare = this.#keys.empty();
    this.#plan.forEach((step, i) => {
      this.#forEachBlock(step, visiting, ({ query }, keys) => {
        const part = this.#block.attend(queries[query]!, keys);
        const before = running[query];
        running[query] = before === undefined ? part : this.#block.merge(before, part);
      });
      if (i === this.#plan.length - 1) return;
      this.#exchange([visiting], [spare], "ring attention: keys and values");
      [visiting, spare] = [spare, visiting];
    });
    this.#free([...queries, this.#mask]);
    // A position sees at least itself, so every chunk has been attended to.
    return this.#joined(running.map((chunk) => this.#block.finish(chunk!)));
  }

  /** Gradients of `q`, `k` and `v`, from that of `y`. */
  backward(
    dy: TensorInfo,
    { y, logSumExp }: { readonly y: TensorInfo; readonly logSumExp: TensorInfo },
  ): readonly [dq: TensorInfo, dk: TensorInfo, dv: TensorInfo] {
    const queries = this.#queriesToPullBack(dy, y, logSumExp);
    const dq = this.#queries.empty();
    const own = this.#keys.empty();
    let visiting = this.#keys.pack([this.#inputs.k, this.#inputs.v]);
    let travelling = this.#keys.empty();
    let [spare, spareGradients] = [this.#keys.empty(), this.#keys.empty()];
    this.#plan.forEach((step, i) => {
      const isHome = i === 0;
      const sums = isHome ? own : travelling;
      this.#forEachBlock(step, visiting, ({ query, key }, keys) => {
        const gradients = this.#block.pullBack(queries[query]!, keys);
        this.#queries.accumulate(dq, 0, query, gradients.dq);
        this.#keys.accumulate(sums, KEYS, key, gradients.dk);
        this.#keys.accumulate(sums, VALUES, key, gradients.dv);
      });
      const isLast = i === this.#plan.length - 1;
      if (!isLast) {
        this.#exchange([visiting], [spare], "ring attention: keys and values");
        [visiting, spare] = [spare, visiting];
      }
      if (!isHome) {
        this.#exchange([travelling], [spareGradients], "ring attention: their gradients");
        [travelling, spareGradients] = [spareGradients, travelling];
      }
    });
    this.#free([...queries.flatMap((chunk) => Object.values<TensorInfo>({ ...chunk })), this.#mask]);
    if (this.#plan.length > 1) addTo(own, travelling);
    multiplyBy(dq, this.#scale);
    return [this.#queries.unpack(dq, 0), this.#keys.unpack(own, KEYS), this.#keys.unpack(own, VALUES)];
  }

  #forEachBlock(
    { blocks }: RingStep,
    visiting: Float32Array,
    visit: (block: Block, keys: BlockKeys) => void,
  ): void {
    const loaded = new Map<number, { readonly k: TensorInfo; readonly v: TensorInfo }>();
    for (const block of blocks) {
      const chunk = loaded.get(block.key) ?? {
        k: this.#keys.upload(visiting, KEYS, block.key),
        v: this.#keys.upload(visiting, VALUES, block.key),
      };
      loaded.set(block.key, chunk);
      visit(block, { ...chunk, mask: block.isCausal ? this.#mask : undefined });
    }
    for (const { k, v } of loaded.values()) this.#free([k, v]);
  }

  #scaledQueries(): TensorInfo[] {
    const packed = this.#queries.pack([this.#inputs.q]);
    multiplyBy(packed, this.#scale);
    return CHUNKS.map((chunk) => this.#queries.upload(packed, 0, chunk, this.#rowsShape));
  }

  #queriesToPullBack(dy: TensorInfo, y: TensorInfo, logSumExp: TensorInfo): BlockQueries[] {
    const { engine } = this.#place.door;
    const [packedDy, packedY] = [this.#queries.pack([dy]), this.#queries.pack([y])];
    const columnShape = [...this.#rowsShape.slice(0, -1), 1];
    return this.#scaledQueries().map((q, chunk) => {
      const [dyRows, yRows] = [packedDy, packedY].map((packed) =>
        this.#queries.upload(packed, 0, chunk, this.#rowsShape),
      ) as [TensorInfo, TensorInfo];
      const delta = this.#block.delta(dyRows, yRows);
      this.#free([yRows]);
      const column = engine.create(columnShape, "float32", (out) => {
        out.set(engine.view(logSumExp).subarray(chunk * out.length, (chunk + 1) * out.length));
      });
      return { q, dy: dyRows, delta, logSumExp: column };
    });
  }

  #joined(
    chunks: readonly { readonly y: TensorInfo; readonly logSumExp: TensorInfo }[],
  ): readonly [TensorInfo, TensorInfo] {
    const { engine } = this.#place.door;
    const packed = this.#queries.empty();
    chunks.forEach(({ y }, chunk) => {
      this.#queries.accumulate(packed, 0, chunk, y);
    });
    const [batch, heads, positions] = this.#queries.chunkShape as [number, number, number, number];
    const logSumExp = engine.create([CHUNKS_PER_RANK, batch, heads, positions], "float32", (out) => {
      chunks.forEach((chunk, i) => {
        out.set(engine.view(chunk.logSumExp), (i * out.length) / CHUNKS_PER_RANK);
      });
    });
    this.#free(chunks.map((chunk) => chunk.logSumExp));
    return [this.#queries.unpack(packed, 0), logSumExp];
  }

  #exchange(send: readonly Float32Array[], receive: readonly Float32Array[], label: string): void {
    exchangeAlongRing(this.#place.group, { send, receive }, { by: 1, label });
  }

  #free(infos: readonly TensorInfo[]): void {
    for (const info of infos) this.#place.door.dispose(info);
  }
}

function multiplyBy(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i]! *= factor;
}

function addTo(values: Float32Array, added: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i]! += added[i]!;
}
