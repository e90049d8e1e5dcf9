import { describe, expect, test } from "vitest";
import { escapeHtml, markup, rawHtml } from "./html.ts";

describe("html", () => {
  test("escapes text and attributes, keeps markup, joins lists, leaves out undefined", () => {
    const item = markup`<b>${"<i>"}</b>`;
    expect(markup`<p title="${`"'&`}">${[item, 3, undefined, ["a>b"]]}${undefined}</p>`.source).toBe(
      '<p title="&quot;&#39;&amp;"><b>&lt;i&gt;</b>3a&gt;b</p>',
    );
  });

  test("only rawHtml passes markup through", () => {
    expect(markup`${rawHtml("<br>")}${"<br>"}`.source).toBe("<br>&lt;br&gt;");
    expect(escapeHtml("a & b < c")).toBe("a &amp; b &lt; c");
  });
});
