/**
 * Colours of ranks, light and dark: the hue tells the position along the last mesh axis, the shade that along the others.
 *
 * @packageDocumentation
 */
import { coordinateOf, type MeshGeometry } from "../mesh.ts";

/** Colours of one mode. */
interface Palette {
  readonly page: string;
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly whole: string;
  readonly number: string;
  readonly hues: readonly string[];
}

// Hues that stay apart for the common forms of colour blindness when neighbours differ in lightness.
const LIGHT: Palette = {
  page: "#ffffff",
  text: "#1b2230",
  muted: "#596275",
  grid: "#c3cad6",
  whole: "#eceef2",
  number: "#10131a",
  hues: ["#6ea3f5", "#f5a455", "#6fc487", "#b48df0", "#f0c53f", "#f08585", "#59c3c5", "#ec8fc4"],
};

const DARK: Palette = {
  page: "#12161e",
  text: "#e7eaf0",
  muted: "#a3adbf",
  grid: "#4a5568",
  whole: "#232a36",
  number: "#10131a",
  hues: ["#6f9fe8", "#e39a4c", "#6fb583", "#a887e0", "#dfbd55", "#dd7f7f", "#5ab3b5", "#d787b5"],
};

/** The palest shade is this much white. */
const PALEST = 0.55;

/** Class of what belongs to a rank. */
export function rankClass(rank: number): string {
  return `r${rank}`;
}

/** The light mode's colour, for programs that know no CSS variables. */
export function rankColor(rank: number, mesh: MeshGeometry): string {
  return colorIn(LIGHT, rank, mesh);
}

/** CSS that concerns only what is inside the element with this id: an SVG inside a page shares the page's style sheet. */
export function styleSheet(id: string, mesh: MeshGeometry, ranks: readonly number[]): string {
  const rules = [
    `#${id}{${variables(LIGHT, mesh, ranks)}}`,
    `@media (prefers-color-scheme:dark){#${id}{${variables(DARK, mesh, ranks)}}}`,
    `#${id} text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--mw-text)}`,
    `#${id} .page{fill:var(--mw-page)}`,
    `#${id} .whole{fill:var(--mw-whole)}`,
    `#${id} .grid{stroke:var(--mw-grid);fill:none}`,
    `#${id} .cut{stroke:var(--mw-page);stroke-width:2;fill:none}`,
    `#${id} .muted{fill:var(--mw-muted)}`,
    `#${id} .name{font-weight:600}`,
    `#${id} .number{fill:var(--mw-number)}`,
    ...ranks.map((rank) => `#${id} .${rankClass(rank)}{fill:var(--mw-${rankClass(rank)})}`),
  ];
  return rules.join("\n");
}

function variables(palette: Palette, mesh: MeshGeometry, ranks: readonly number[]): string {
  const { page, text, muted, grid, whole, number } = palette;
  const plain = Object.entries({ page, text, muted, grid, whole, number });
  const colors = ranks.map((rank): [string, string] => [rankClass(rank), colorIn(palette, rank, mesh)]);
  return [...plain, ...colors].map(([name, color]) => `--mw-${name}:${color}`).join(";");
}

function colorIn({ hues }: Palette, rank: number, { shape }: MeshGeometry): string {
  const coordinate = coordinateOf(shape, rank);
  const last = coordinate.at(-1) ?? 0;
  const numShades =
    shape.slice(0, -1).reduce((a, b) => a * b, 1) * Math.ceil((shape.at(-1) ?? 1) / hues.length);
  const row = Math.floor(rank / (shape.at(-1) ?? 1));
  const shade = row * Math.ceil((shape.at(-1) ?? 1) / hues.length) + Math.floor(last / hues.length);
  return paler(hues[last % hues.length]!, numShades > 1 ? (PALEST * shade) / (numShades - 1) : 0);
}

/** The colour, mixed with a share of white. */
function paler(color: string, white: number): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const mixed = channels.map((value) => Math.round(value + (255 - value) * white));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
