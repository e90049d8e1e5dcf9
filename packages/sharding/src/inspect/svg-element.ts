/**
 * SVG elements as text.
 *
 * @packageDocumentation
 */

/** `<name key="value" ...>content</name>`; values are escaped, the content is markup already. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content: string | readonly string[] = [],
): string {
  const written = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === "number" ? coordinate(value) : escapeXml(value);
    return ` ${key}="${text}"`;
  });
  const inside = typeof content === "string" ? content : content.join("");
  return inside === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${inside}</${name}>`;
}

/** Text for the content of an element and for quoted attributes. Characters that XML forbids become spaces. */
export function escapeXml(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex -- these are the characters to find
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, " ")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}

/** A hundredth of a pixel is finer than any screen. */
export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** About as wide as the text is in the given size: digits and small letters of common sans-serif fonts are 0.55 em. */
export function textWidth(text: string, fontSize: number): number {
  return text.length * fontSize * 0.57;
}
