/**
 * How a tensor lies along one mesh axis.
 *
 * @packageDocumentation
 */

/** Ways in which partial values combine to the whole one. */
export type PartialOp = "sum" | "max" | "min";

/** How a tensor lies along one mesh axis: split over a tensor dim, the same everywhere, or not yet reduced. */
export type Placement =
  | { readonly kind: "shard"; readonly dim: number }
  | { readonly kind: "replicate" }
  | { readonly kind: "partial"; readonly op: PartialOp };

const REPLICATE: Placement = Object.freeze({ kind: "replicate" });

/**
 * Split over tensor dim `dim`: the rank at position `r` of `p` holds elements `r * ceil(n / p)` up to the next rank's;
 * trailing shards may be short or empty. Negative dims count from the end.
 */
export function Shard(dim: number): Placement {
  return Object.freeze({ kind: "shard", dim });
}

/** Every rank along the axis holds the same bits. */
export function Replicate(): Placement {
  return REPLICATE;
}

/** Every rank along the axis holds a summand (or candidate maximum, minimum) of the value. */
export function Partial(op: PartialOp = "sum"): Placement {
  return Object.freeze({ kind: "partial", op });
}

/** Whether two placements are the same. */
export function samePlacement(a: Placement, b: Placement): boolean {
  if (a === b) return true;
  if (a.kind === "shard") return b.kind === "shard" && a.dim === b.dim;
  if (a.kind === "partial") return b.kind === "partial" && a.op === b.op;
  return b.kind === "replicate";
}

/** `Shard(1)`, `Replicate()`, `Partial("sum")`: the text that would build it. */
export function formatPlacement(placement: Placement): string {
  switch (placement.kind) {
    case "shard":
      return `Shard(${placement.dim})`;
    case "replicate":
      return "Replicate()";
    case "partial":
      return `Partial("${placement.op}")`;
  }
}

/** Whether the placement is `Shard(dim)`. */
export function isShard(placement: Placement, dim: number): boolean {
  return placement.kind === "shard" && placement.dim === dim;
}
