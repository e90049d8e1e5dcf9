/**
 * A report as one HTML page that asks for nothing else: styles and charts are in it.
 *
 * @packageDocumentation
 */
import { markup, rawHtml } from "./html.ts";
import type { ReportHead } from "./report-data.ts";
import type { Section } from "./section.ts";
import { STYLE } from "./style.ts";

/** The page; sections without content are left out. */
export function renderPage<Data extends ReportHead>(data: Data, sections: readonly Section<Data>[]): string {
  const contents = sections.flatMap((section) => section(data) ?? []);
  const body = contents.map(
    ({ heading, body: content }, index) => markup`<section aria-labelledby="section-${index}">
<h2 id="section-${index}">${heading}</h2>
${content}
</section>
`,
  );
  // The policy lets the browser load nothing, whatever a section contains.
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${data.title}</title>
<style>${rawHtml(STYLE)}</style>
</head>
<body>
<main>
<h1>${data.title}</h1>
<code class="command">${data.command}</code>
${body}</main>
</body>
</html>
`.source;
}
