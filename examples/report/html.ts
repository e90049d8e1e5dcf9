/**
 * HTML that is safe by construction: text becomes markup only through the tag below, which escapes it.
 *
 * @packageDocumentation
 */

/** Finished markup. Only this file and `rawHtml` make it. */
export class Html {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** What may stand in a template: text and numbers are escaped, markup is kept, lists are joined, `undefined` is nothing. */
export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

/**
 * Template tag: the literal parts are markup, every value is escaped unless it is `Html` itself.
 *
 * @example
 * ```ts
 * markup`<p title="${"a \"b\""}">${"1 < 2"}</p>`.source; // <p title="a &quot;b&quot;">1 &lt; 2</p>
 * ```
 */
export function markup(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(literals.map((literal, index) => literal + render(values[index])).join(""));
}

/** Markup that another program made and escaped, for example a chart. */
export function rawHtml(source: string): Html {
  return new Html(source);
}

/** Escapes text for element content and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function render(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.source;
  if (typeof value === "string" || typeof value === "number") return escapeHtml(String(value));
  return value.map(render).join("");
}
