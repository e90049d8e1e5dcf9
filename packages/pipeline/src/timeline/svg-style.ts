/**
 * Colours of a timeline as SVG, light and dark.
 *
 * @packageDocumentation
 */
import type { ActionKind } from "../schedule.ts";
import { ACTION_KINDS } from "./rows.ts";

/** Colours of one mode. Boxes are light in both, because dark numbers stand on them. */
interface Palette {
  readonly page: string;
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly idle: string;
  readonly number: string;
  readonly boxes: Readonly<Record<ActionKind, string>>;
}

const LIGHT: Palette = {
  page: "#ffffff",
  text: "#1b2230",
  muted: "#596275",
  grid: "#d8dce3",
  idle: "#eceef2",
  number: "#10131a",
  boxes: { F: "#7eaef8", B: "#f5a455", I: "#f2c94f", W: "#7cca90" },
};

const DARK: Palette = {
  page: "#12161e",
  text: "#e7eaf0",
  muted: "#a3adbf",
  grid: "#343d4d",
  idle: "#232a36",
  number: "#10131a",
  boxes: { F: "#6f9fe8", B: "#e39a4c", I: "#dfbd55", W: "#6fb583" },
};

/** The last chunk's colour is this much white. */
const LIGHTEST = 0.62;

/** Class of the boxes of a kind and chunk, for example `"F0"`. */
export function boxClass(kind: ActionKind, chunk: number): string {
  return `${kind}${chunk}`;
}

/** The light mode's colour, for programs that know no CSS variables. */
export function boxColor(
  kind: ActionKind,
  { chunk, numChunks }: { readonly chunk: number; readonly numChunks: number },
): string {
  return shade(LIGHT.boxes[kind], { chunk, numChunks });
}

/** CSS that concerns only what is inside the element with this id: an SVG inside a page shares the page's style sheet. */
export function styleSheet(id: string, numChunks: number): string {
  const rules = [
    `#${id}{${variables(LIGHT, numChunks)}}`,
    `@media (prefers-color-scheme:dark){#${id}{${variables(DARK, numChunks)}}}`,
    `#${id} text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--mw-text)}`,
    `#${id} .page{fill:var(--mw-page)}`,
    `#${id} .idle{fill:var(--mw-idle)}`,
    `#${id} .grid{stroke:var(--mw-grid)}`,
    `#${id} .end{stroke:var(--mw-muted);stroke-dasharray:3 3}`,
    `#${id} .muted{fill:var(--mw-muted)}`,
    `#${id} .name{font-weight:600}`,
    `#${id} .box{stroke:var(--mw-page)}`,
    `#${id} .number text{fill:var(--mw-number);font-size:inherit}`,
    ...boxKeys(numChunks).map(({ name }) => `#${id} .${name}{fill:var(--mw-${name})}`),
  ];
  return rules.join("\n");
}

function variables(palette: Palette, numChunks: number): string {
  const { page, text, muted, grid, idle, number, boxes } = palette;
  const plain = Object.entries({ page, text, muted, grid, idle, number });
  const shades = boxKeys(numChunks).map(({ kind, chunk, name }): [string, string] => [
    name,
    shade(boxes[kind], { chunk, numChunks }),
  ]);
  return [...plain, ...shades].map(([name, color]) => `--mw-${name}:${color}`).join(";");
}

function boxKeys(numChunks: number) {
  return ACTION_KINDS.flatMap((kind) =>
    Array.from({ length: numChunks }, (_, chunk) => ({ kind, chunk, name: boxClass(kind, chunk) })),
  );
}

/** The colour, mixed with more white for every chunk. */
function shade(
  color: string,
  { chunk, numChunks }: { readonly chunk: number; readonly numChunks: number },
): string {
  const white = numChunks > 1 ? (LIGHTEST * chunk) / (numChunks - 1) : 0;
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const mixed = channels.map((value) => Math.round(value + (255 - value) * white));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
