/**
 * The layers that a Llama is made of, each replaceable.
 *
 * @packageDocumentation
 */
import { Embedding, type CreateEmbedding } from "./embedding.ts";
import { groupedCausalAttention, type Attend } from "./grouped-query-attention.ts";
import { Linear, type CreateLinear } from "./linear.ts";
import { SwiGLUMLP, type CreateMLP } from "./mlp.ts";
import { RMSNorm, type CreateNorm } from "./norm.ts";
import { TiedHead, type CreateTiedHead } from "./tied-head.ts";

/**
 * Makers of a Llama's layers. A parallel form has the fields of the dense one (`weight`, `gate`, `up`, ...), so that
 * parameters keep their names; shapes passed in are global.
 */
export interface LlamaParts {
  readonly tokenEmbedding: CreateEmbedding;
  readonly norm: CreateNorm;
  /** Query, key, value, and the ways into the feed-forward module. */
  readonly columnLinear: CreateLinear;
  /** The way out of attention and of the feed-forward module. */
  readonly rowLinear: CreateLinear;
  /** What attention does with queries, keys and values. */
  readonly attend: Attend;
  readonly mlp: CreateMLP;
  readonly head: CreateLinear;
  /** In place of `head`, with `tiedEmbeddings`. */
  readonly tiedHead: CreateTiedHead;
}

/** The layers of a Llama on one rank. */
export function denseLlamaParts(): LlamaParts {
  return {
    tokenEmbedding: (options) => new Embedding(options),
    norm: (options) => new RMSNorm(options),
    columnLinear: (options) => new Linear(options),
    rowLinear: (options) => new Linear(options),
    attend: groupedCausalAttention,
    mlp: (options) => new SwiGLUMLP(options),
    head: (options) => new Linear(options),
    tiedHead: (embedding) => new TiedHead(embedding),
  };
}
