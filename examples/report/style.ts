/**
 * The look of a report: light and dark, wide and narrow.
 *
 * @packageDocumentation
 */

/** CSS of the page. Colours are variables, so that charts follow light and dark mode too. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f7f9; --line: #d8dce3; --text: #1b2230; --muted: #596275; --mark: #dbe7ff;
  --warning: #a33a00;
  --chart-text: #454d5e; --chart-grid: #e4e7ec; --chart-axis: #8a93a5;
  --chart-primary: #1f5fd6; --chart-secondary: #c2410c; --chart-reference: #596275;
  --chart-load0: #16213d; --chart-load1: #2b66cc; --chart-load2: #79a9ec; --chart-load3: #c3daf7;
  --chart-load4: #eceef1; --chart-load5: #fbc99f; --chart-load6: #ee8a3e; --chart-load7: #b23b08;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161e; --card: #1b212c; --line: #343d4d; --text: #e7eaf0; --muted: #a3adbf; --mark: #26406f;
    --warning: #ffb27a;
    --chart-text: #b9c1cf; --chart-grid: #2a3240; --chart-axis: #6b7588;
    --chart-primary: #7aa7ff; --chart-secondary: #ff9d5c; --chart-reference: #a3adbf;
    --chart-load0: #f2f6ff; --chart-load1: #8bb4ff; --chart-load2: #4d7fd8; --chart-load3: #31507f;
    --chart-load4: #2c333f; --chart-load5: #6f4a2b; --chart-load6: #d07a35; --chart-load7: #ffb27a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
code, .command { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875rem; }
.command { display: block; margin: 0; padding: .625rem .75rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.note { color: var(--muted); margin: 0 0 .5rem; }
.warning { color: var(--warning); font-weight: 600; }
.tiles { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; grid-template-columns: repeat(3, 1fr); }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .75rem; }
.tiles span { display: block; }
.tiles .name { color: var(--muted); font-size: .875rem; }
.tiles strong { display: block; font-size: 1.625rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles .unit { color: var(--muted); font-size: .8125rem; line-height: 1.35; }
.chart svg { display: block; width: 100%; height: auto; }
.chart.narrow { display: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: .375rem; }
th, td { padding: .375rem 1.25rem .375rem 0; border-bottom: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
thead th { color: var(--muted); font-size: .875rem; vertical-align: bottom; }
tfoot th, tfoot td { font-weight: 600; border-bottom: 0; }
.text { text-align: left; }
.number { text-align: right; }
details { margin-top: .75rem; }
summary { cursor: pointer; color: var(--muted); }
details table { margin-top: .5rem; }
.pairs { margin: 0; display: grid; grid-template-columns: repeat(2, 1fr); column-gap: 2rem; }
.pairs div { display: flex; justify-content: space-between; gap: 1rem; padding: .375rem 0; border-bottom: 1px solid var(--line); }
.pairs dt { color: var(--muted); }
.pairs dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.bars { margin: 0; }
.bars div { display: grid; grid-template-columns: 9rem 1fr; gap: .75rem; align-items: center; padding: .25rem 0; }
.bars dd { margin: 0; display: flex; align-items: center; gap: .5rem; min-width: 0; }
.bars dd { padding-right: 9rem; position: relative; }
.bar { height: 1.125rem; min-width: 2px; background: var(--chart-primary); border-radius: 3px; flex: none; }
.bars .value { white-space: nowrap; color: var(--muted); font-size: .875rem; font-variant-numeric: tabular-nums; }
.levels { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .875rem; }
.levels span { display: inline-block; width: 1em; height: 1em; margin-right: .375em; border-radius: 3px; vertical-align: -.125em; }
.note:has(+ .levels) { margin-top: 1.5rem; }
.sample { margin: 0; padding: .75rem 1rem; background: var(--card); border-left: 3px solid var(--chart-primary);
  border-radius: 0 6px 6px 0; white-space: pre-wrap; overflow-wrap: anywhere; font-family: Georgia, "Times New Roman", serif; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
@media (max-width: 40rem) {
  main { padding: 1rem .75rem 2rem; }
  h1 { font-size: 1.375rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  .pairs { grid-template-columns: 1fr; }
  .bars div { grid-template-columns: 1fr; gap: 0; }
  .chart.wide { display: none; }
  .chart.narrow { display: block; }
}
@media print { .chart { break-inside: avoid; } }
`;
