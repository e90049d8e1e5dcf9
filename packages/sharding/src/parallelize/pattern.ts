/**
 * Patterns of dotted names.
 *
 * | in a pattern | stands for                                         | `blocks.*.mlp.{up,down}.weight` matches |
 * | ------------ | -------------------------------------------------- | --------------------------------------- |
 * | `name`       | the segment `name`                                 | `blocks.0.mlp.up.weight`                |
 * | `*`          | any one segment; inside one, any of its characters | `blocks.11.mlp.down.weight`             |
 * | `**`         | any number of segments, none included              |                                         |
 * | `{a,b}`      | `a` or `b`                                         | not `blocks.0.mlp.up.bias`              |
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** A pattern without alternatives, split at its dots. */
type Segments = readonly string[];

/** A pattern that was read. */
export interface Pattern {
  readonly text: string;
  /** One per choice of alternatives. */
  readonly branches: readonly Segments[];
}

/** @throws ContractError unless braces pair, do not nest and hold names, `**` stands alone, and no segment is empty. */
export function parsePattern(where: string, text: string): Pattern {
  const refuse = (rule: string): never => {
    throw new ContractError(
      `${where}: pattern ("${text}") must ${rule}; use names, *, ** and {a,b} between dots, for example "blocks.*.mlp.{up,down}.weight".`,
    );
  };
  if (/\{[^}]*[{]|^[^{]*\}|\}[^{]*\}|\{[^}]*$/.test(text)) refuse("close each brace before the next");
  if (/\{[^}]*[.*][^}]*\}|\{\}|\{,|,,|,\}/.test(text)) refuse("have names between braces and commas");
  const branches = alternatives(text).map((branch) => (branch === "" ? [] : branch.split(".")));
  for (const segment of branches.flat()) {
    if (segment === "") refuse("have a name between its dots");
    if (segment.includes("**") && segment !== "**") refuse("have ** alone between its dots");
  }
  return { text, branches };
}

/** Whether the pattern stands for the dotted name. */
export function matches(pattern: Pattern, name: string): boolean {
  return specificityFor(pattern, name) !== undefined;
}

/**
 * How exactly the pattern names `name`: the number of whole segments that it spells out, then of those that it spells in
 * part, then whether it does without `**`. `undefined` where it does not match.
 */
export function specificityFor({ branches }: Pattern, name: string): readonly number[] | undefined {
  const segments = name === "" ? [] : name.split(".");
  let best: readonly number[] | undefined;
  for (const branch of branches) {
    if (!matchesFrom(branch, segments)) continue;
    const found = specificity(branch);
    if (best === undefined || compareSpecificity(found, best) > 0) best = found;
  }
  return best;
}

/** Above 0 where `a` is more specific than `b`. */
export function compareSpecificity(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((value, i) => value !== b[i]);
  return differing < 0 ? 0 : a[differing]! - b[differing]!;
}

/** How many leading segments of the pattern fit the beginning of some name: where a pattern that matches none goes wrong. */
export function fittingSegments(branch: Segments, names: readonly string[]): number {
  let length = 0;
  const fits = (name: string): boolean =>
    matchesFrom([...branch.slice(0, length + 1), "**"], name.split("."));
  while (length < branch.length && names.some(fits)) length++;
  return length;
}

function specificity(branch: Segments): readonly number[] {
  const spelled = branch.filter((segment) => !segment.includes("*")).length;
  const inPart = branch.filter((segment) => segment.includes("*") && /[^*]/.test(segment)).length;
  return [spelled, inPart, branch.includes("**") ? 0 : 1];
}

function matchesFrom(pattern: Segments, name: Segments): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return name.length === 0;
  if (first !== "**") {
    return name.length > 0 && matchesSegment(first, name[0]!) && matchesFrom(rest, name.slice(1));
  }
  return name.some((_, i) => matchesFrom(rest, name.slice(i))) || matchesFrom(rest, []);
}

function matchesSegment(pattern: string, segment: string): boolean {
  if (!pattern.includes("*")) return pattern === segment;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(segment);
}

/** `a.{b,c}.d` to `a.b.d` and `a.c.d`. */
function alternatives(text: string): string[] {
  const braces = /\{([^}]*)\}/.exec(text);
  if (braces === null) return [text];
  const rest = alternatives(text.slice(braces.index + braces[0].length));
  const before = text.slice(0, braces.index);
  return braces[1]!.split(",").flatMap((choice) => rest.map((end) => before + choice + end));
}
