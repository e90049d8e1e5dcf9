/**
 * Puts figures into a page, between the comments that name their place.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** Where the figures go. */
export interface BlockPlace {
  /** What stands in the comments. */
  readonly name: string;
  /** The script that writes, by its name in `bench/` without the ending. */
  readonly script: string;
  /** The page, for errors. */
  readonly page: string;
}

/**
 * The text with `content` between `<!-- name: written by bench/script.ts -->` and `<!-- /name -->`.
 *
 * @throws ContractError if the page does not hold both comments in this order.
 */
export function replaceBlock(text: string, content: string, { name, script, page }: BlockPlace): string {
  const [start, end] = [`<!-- ${name}: written by bench/${script}.ts -->`, `<!-- /${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) {
    throw new ContractError(
      `${script}: ${page} must hold the comments "${start}" and "${end}", in this order; use them where the figures belong.`,
    );
  }
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}
