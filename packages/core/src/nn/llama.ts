/**
 * A Llama-like model: a decoder-only transformer with rotary positions, RMSNorm, SwiGLU and grouped-query attention.
 *
 * Legend: B = sequences, T = positions, D = features, V = vocabulary.
 *
 * @packageDocumentation
 */
import { tidy, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { LlamaBlock } from "./llama-block.ts";
import { denseLlamaParts, type LlamaParts } from "./llama-parts.ts";
import type { Module } from "./module.ts";
import type { RotaryOptions } from "./rotary.ts";
import { requireSizes } from "./size-check.ts";

/** Sizes of a Llama, and the layers it is made of. */
export interface LlamaOptions {
  readonly vocabSize: number;
  /** The longest sequence. */
  readonly contextLength: number;
  readonly features: number;
  /** Query heads. Must divide `features` unless `headFeatures` is set. */
  readonly heads: number;
  /** Must divide `heads`. Default `heads`. */
  readonly keyValueHeads?: number;
  /** Features of a head; even. Default `features / heads`. */
  readonly headFeatures?: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Hidden features of the feed-forward modules. Default `8/3 features`, rounded up. */
  readonly mlpFeatures?: number;
  readonly rotary?: RotaryOptions;
  /** Of the norms. Default 1e-5. */
  readonly epsilon?: number;
  /** Whether the head uses the token embedding's table. Default false. */
  readonly tiedEmbeddings?: boolean;
  /** Layers to use in place of the dense ones, for example parallel ones; names of parameters stay the same. */
  readonly parts?: Partial<LlamaParts>;
}

/** Llama's standard deviation of initial weights. */
const INITIAL_STD = 0.02;

/**
 * `logits = head(finalNorm(blocks(tokenEmbedding(tokens))))`, pre-norm and without biases.
 *
 * | parameter                                  | shape       | in a Hugging Face checkpoint, `[out, in]`       |
 * | ------------------------------------------ | ----------- | ----------------------------------------------- |
 * | `tokenEmbedding.weight`                    | `[V, D]`    | `model.embed_tokens.weight`                     |
 * | `blocks.0.norm1.weight`                    | `[D]`       | `model.layers.0.input_layernorm.weight`         |
 * | `blocks.0.attention.query.weight` (key, value, out) | `[D, H Dh]` | `model.layers.0.self_attn.q_proj.weight` (k, v, o) |
 * | `blocks.0.norm2.weight`                    | `[D]`       | `model.layers.0.post_attention_layernorm.weight` |
 * | `blocks.0.mlp.gate.weight` (up, down)      | `[D, F]`    | `model.layers.0.mlp.gate_proj.weight` (up, down) |
 * | `finalNorm.weight`                         | `[D]`       | `model.norm.weight`                             |
 * | `head.weight` (none with `tiedEmbeddings`) | `[D, V]`    | `lm_head.weight`                                |
 *
 * Weights start normal with std 0.02, those that end a residual branch with `0.02 / sqrt(2 * layers)`. The constructor
 * allocates nothing; `initialize` does.
 *
 * @example
 * ```ts
 * const model = new Llama({ vocabSize: 11, contextLength: 8, features: 12, heads: 6, keyValueHeads: 3, layers: 2 });
 * initialize(model, { seed: 1 });
 * const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
 * ```
 * @see Touvron et al. 2023, "LLaMA: open and efficient foundation language models", section 2.2,
 * https://arxiv.org/abs/2302.13971
 */
export class Llama implements Module {
  readonly tokenEmbedding: Module;
  readonly blocks: readonly LlamaBlock[];
  readonly finalNorm: Module;
  readonly head: Module;
  readonly contextLength: number;

  /**
   * @throws ContractError if a size is not a positive integer, `keyValueHeads` does not divide `heads`, or the features
   * of a head are odd or not whole.
   */
  constructor(options: LlamaOptions) {
    const { vocabSize, contextLength, features, layers, epsilon = 1e-5, tiedEmbeddings = false } = options;
    const { heads, keyValueHeads, headFeatures, rotary } = options;
    const { mlpFeatures = Math.ceil((8 * features) / 3) } = options;
    requireSizes("Llama", { vocabSize, contextLength, features, heads, layers, mlpFeatures });
    const parts: LlamaParts = { ...denseLlamaParts(), ...options.parts };
    const initializer = { kind: "normal", std: INITIAL_STD } as const;
    const residualInitializer = { kind: "normal", std: INITIAL_STD / Math.sqrt(2 * layers) } as const;
    this.contextLength = contextLength;
    this.tokenEmbedding = parts.tokenEmbedding({ numEmbeddings: vocabSize, features, initializer });
    this.blocks = Array.from(
      { length: layers },
      (_, index) =>
        new LlamaBlock({
          index,
          ...{ features, heads, mlpFeatures, epsilon, initializer, residualInitializer, parts },
          ...(keyValueHeads !== undefined && { keyValueHeads }),
          ...(headFeatures !== undefined && { headFeatures }),
          ...(rotary && { rotary }),
        }),
    );
    this.finalNorm = parts.norm({ features, epsilon });
    this.head = tiedEmbeddings
      ? parts.tiedHead(this.tokenEmbedding)
      : parts.head({ inFeatures: features, outFeatures: vocabSize, bias: false, initializer });
  }

  /**
   * @param tokens - `[B, T]` int32 with T at most `contextLength`
   * @param positions - `[T]` int32; default `0..T-1`
   * @returns logits `[B, T, V]`; the caller's scope owns them
   * @throws ContractError if `tokens` is not of shape `[B, T]` or T exceeds `contextLength`.
   */
  apply(tokens: Tensor, positions?: Tensor): Tensor {
    return tidy(() => {
      let x = this.embed(tokens);
      for (const block of this.blocks) x = block.apply(x, positions);
      return this.logits(x);
    });
  }

  /**
   * The part before the blocks: `tokenEmbedding(tokens)`.
   *
   * @param tokens - `[B, T]` int32 with T at most `contextLength`
   * @returns `[B, T, D]`; the caller's scope owns it
   * @throws ContractError as `apply`.
   */
  embed(tokens: Tensor): Tensor {
    const positions = tokens.shape[1];
    if (tokens.rank !== 2 || positions === undefined || positions > this.contextLength) {
      throw new ContractError(
        `Llama: tokens (shape [${tokens.shape.join(", ")}]) must have shape [B, T] with T at most contextLength (${this.contextLength}); use shorter sequences or a longer contextLength.`,
      );
    }
    return this.tokenEmbedding.apply(tokens); // [B, T] -> [B, T, D]
  }

  /**
   * The part after the blocks: `head(finalNorm(x))`.
   *
   * @param x - `[B, T, D]`
   * @returns `[B, T, V]`; the caller's scope owns it
   */
  logits(x: Tensor): Tensor {
    return tidy(() => this.head.apply(this.finalNorm.apply(x))); // [B, T, D] -> [B, T, V]
  }
}
