/**
 * A GPT: a decoder-only transformer language model.
 *
 * Legend: B = sequences, T = positions, D = features, V = vocabulary.
 *
 * @packageDocumentation
 */
import { add, range, tidy, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { GPTBlock } from "./gpt-block.ts";
import { denseParts, type GPTParts } from "./gpt-parts.ts";
import type { Module } from "./module.ts";
import { requireSizes } from "./size-check.ts";

/** Sizes of a GPT, and the layers it is made of. */
export interface GPTOptions {
  readonly vocabSize: number;
  /** The longest sequence. */
  readonly contextLength: number;
  readonly features: number;
  /** Must divide `features`. */
  readonly heads: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Hidden features of the feed-forward modules. Default `4 * features`. */
  readonly mlpFeatures?: number;
  /** Of the norms. Default 1e-5, as GPT-2's. */
  readonly epsilon?: number;
  /** Whether the head uses the token embedding's table, as GPT-2's does. Default false. */
  readonly tiedEmbeddings?: boolean;
  /** Dropout after the embeddings and on each residual branch. Default: none. */
  readonly dropout?: { readonly rate: number; readonly seed: number };
  /** Layers to use in place of the dense ones, for example parallel ones; names of parameters stay the same. */
  readonly parts?: Partial<GPTParts>;
}

/** GPT-2's standard deviation of initial weights. */
const INITIAL_STD = 0.02;

/**
 * `logits = head(finalNorm(blocks(tokenEmbedding(tokens) + positionEmbedding(0..T-1))))`, pre-norm, with learned
 * positions, GELU (tanh form) and a head without bias. With `tiedEmbeddings` it is GPT-2.
 *
 * Weights start normal with std 0.02, those that end a residual branch with `0.02 / sqrt(2 * layers)`; biases start at
 * zero. The constructor allocates nothing; `initialize` does.
 *
 * @example
 * ```ts
 * const model = new GPT({ vocabSize: 11, contextLength: 8, features: 12, heads: 3, layers: 2 });
 * initialize(model, { seed: 1 });
 * const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
 * ```
 * @see Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3,
 * https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
 */
export class GPT implements Module {
  readonly tokenEmbedding: Module;
  readonly positionEmbedding: Module;
  readonly dropout: Module | undefined;
  readonly blocks: readonly GPTBlock[];
  readonly finalNorm: Module;
  readonly head: Module;
  readonly contextLength: number;

  /** @throws ContractError if a size is not a positive integer or `heads` does not divide `features`. */
  constructor(options: GPTOptions) {
    const {
      vocabSize,
      contextLength,
      features,
      heads,
      layers,
      mlpFeatures = 4 * features,
      epsilon = 1e-5,
      dropout,
    } = options;
    requireSizes("GPT", { vocabSize, contextLength, features, heads, layers, mlpFeatures });
    const parts: GPTParts = { ...denseParts(), ...options.parts };
    const initializer = { kind: "normal", std: INITIAL_STD } as const;
    this.contextLength = contextLength;
    this.tokenEmbedding = parts.tokenEmbedding({ numEmbeddings: vocabSize, features, initializer });
    this.positionEmbedding = parts.positionEmbedding({ numEmbeddings: contextLength, features, initializer });
    this.dropout = dropout && parts.dropout({ ...dropout, name: "dropout" });
    const residualInitializer = { kind: "normal", std: INITIAL_STD / Math.sqrt(2 * layers) } as const;
    this.blocks = Array.from(
      { length: layers },
      (_, i) =>
        new GPTBlock({
          index: i,
          ...{ features, heads, mlpFeatures, epsilon, initializer, residualInitializer, parts },
          ...(dropout && { dropout: { ...dropout, name: `blocks.${i}.dropout` } }),
        }),
    );
    this.finalNorm = parts.norm({ features, epsilon });
    this.head =
      options.tiedEmbeddings === true
        ? parts.tiedHead(this.tokenEmbedding)
        : parts.head({ inFeatures: features, outFeatures: vocabSize, bias: false, initializer });
  }

  /**
   * @param tokens - `[B, T]` int32 with T at most `contextLength`
   * @param positions - `[T]` int32, each below `contextLength`; default `0..T-1`
   * @returns logits `[B, T, V]`; the caller's scope owns them
   * @throws ContractError if `tokens` is not of shape `[B, T]` or T exceeds `contextLength`.
   */
  apply(tokens: Tensor, positions?: Tensor): Tensor {
    return tidy(() => {
      let x = this.embed(tokens, positions);
      for (const block of this.blocks) x = block.apply(x);
      return this.logits(x);
    });
  }

  /**
   * The part before the blocks: `tokenEmbedding(tokens) + positionEmbedding(positions)`, with dropout.
   *
   * @param tokens - `[B, T]` int32 with T at most `contextLength`
   * @param positions - `[T]` int32, each below `contextLength`; default `0..T-1`
   * @returns `[B, T, D]`; the caller's scope owns it
   * @throws ContractError as `apply`.
   */
  embed(tokens: Tensor, positions?: Tensor): Tensor {
    const length = tokens.shape[1];
    if (tokens.rank !== 2 || length === undefined || length > this.contextLength) {
      throw new ContractError(
        `GPT: tokens (shape [${tokens.shape.join(", ")}]) must have shape [B, T] with T at most contextLength (${this.contextLength}); use shorter sequences or a longer contextLength.`,
      );
    }
    return tidy(() => {
      const embedded = add(
        this.tokenEmbedding.apply(tokens), // [B, T] -> [B, T, D]
        this.positionEmbedding.apply(positions ?? range(0, length, 1, "int32")), // [T] -> [T, D]
      );
      return this.dropout === undefined ? embedded : this.dropout.apply(embedded);
    });
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
