/**
 * The layers that a GPT is made of, each replaceable.
 *
 * @packageDocumentation
 */
import { causalAttention } from "./attention.ts";
import { Dropout, type CreateDropout } from "./dropout.ts";
import { Embedding, type CreateEmbedding } from "./embedding.ts";
import type { Attend } from "./grouped-query-attention.ts";
import { Linear, type CreateLinear } from "./linear.ts";
import { GeluMLP, type CreateMLP } from "./mlp.ts";
import { LayerNorm, type CreateNorm } from "./norm.ts";
import { TiedHead, type CreateTiedHead } from "./tied-head.ts";

/**
 * Makers of a GPT's layers. A parallel form has the fields of the dense one (`weight`, `bias`, `up`, ...), so that
 * parameters keep their names; shapes passed in are global.
 */
export interface GPTParts {
  readonly tokenEmbedding: CreateEmbedding;
  readonly positionEmbedding: CreateEmbedding;
  readonly norm: CreateNorm;
  /** Query, key, value, and the way into the feed-forward module. */
  readonly columnLinear: CreateLinear;
  /** The way out of attention and of the feed-forward module. */
  readonly rowLinear: CreateLinear;
  /** What attention does with queries, keys and values. */
  readonly attend: Attend;
  readonly mlp: CreateMLP;
  readonly head: CreateLinear;
  /** In place of `head`, with `tiedEmbeddings`. */
  readonly tiedHead: CreateTiedHead;
  readonly dropout: CreateDropout;
}

/** The layers of a GPT on one rank. */
export function denseParts(): GPTParts {
  return {
    tokenEmbedding: (options) => new Embedding(options),
    positionEmbedding: (options) => new Embedding(options),
    norm: (options) => new LayerNorm(options),
    columnLinear: (options) => new Linear(options),
    rowLinear: (options) => new Linear(options),
    attend: causalAttention,
    mlp: (options) => new GeluMLP(options),
    head: (options) => new Linear(options),
    tiedHead: (embedding) => new TiedHead(embedding),
    dropout: (options) => new Dropout(options),
  };
}
