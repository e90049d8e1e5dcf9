/**
 * What the colours of a timeline mean.
 *
 * @packageDocumentation
 */
import { svgElement as element, svgTextWidth as textWidth } from "@meshwright/sharding";
import type { ActionKind } from "../schedule.ts";
import { KIND_NAMES } from "./rows.ts";
import { boxClass, boxColor } from "./svg-style.ts";

/** What there is to explain. */
export interface LegendKey {
  readonly kinds: readonly ActionKind[];
  readonly numChunks: number;
  readonly width: number;
}

const LINE_HEIGHT = 20;
const LEFT = 8;
const SWATCH = 12;

/** A colour, or the colours of all chunks, and what it stands for. */
interface Entry {
  readonly swatches: readonly { readonly name: string; readonly fill: string }[];
  readonly text: string;
  readonly x: number;
  readonly line: number;
}

/** Height of all lines of the legend. */
export function legendHeight(key: LegendKey): number {
  return (placeEntries(key).at(-1)!.line + 1) * LINE_HEIGHT;
}

/** Draws the legend with its top at `top`. */
export function drawLegend(key: LegendKey, top: number): string {
  const entries = placeEntries(key).map(({ swatches, text, x, line }) => {
    const y = top + line * LINE_HEIGHT;
    const boxes = swatches.map(({ name, fill }, index) =>
      element("rect", { class: name, fill, x: x + index * SWATCH, y: y + 1, width: SWATCH, height: SWATCH }),
    );
    const label = element("text", { class: "muted", x: x + swatches.length * SWATCH + 5, y: y + 11 }, text);
    return boxes.join("") + label;
  });
  return element("g", {}, entries);
}

/** From left to right, on a new line where the width ends. */
function placeEntries(key: LegendKey): Entry[] {
  const entries: Entry[] = [];
  let x = LEFT;
  let line = 0;
  for (const { swatches, text } of entriesOf(key)) {
    const entryWidth = swatches.length * SWATCH + 5 + textWidth(text, 12);
    if (x > LEFT && x + entryWidth > key.width) [x, line] = [LEFT, line + 1];
    entries.push({ swatches, text, x, line });
    x += entryWidth + 14;
  }
  return entries;
}

function entriesOf({ kinds, numChunks }: LegendKey): Pick<Entry, "swatches" | "text">[] {
  const work = kinds.map((kind) => ({
    swatches: Array.from({ length: numChunks }, (_, chunk) => ({
      name: boxClass(kind, chunk),
      fill: boxColor(kind, { chunk, numChunks }),
    })),
    text: numChunks > 1 ? `${KIND_NAMES[kind]}, chunk 0 to ${numChunks - 1}` : KIND_NAMES[kind],
  }));
  return [...work, { swatches: [{ name: "idle", fill: "#eceef2" }], text: "idle" }];
}
