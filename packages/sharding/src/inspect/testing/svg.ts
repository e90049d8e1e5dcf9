/**
 * Reads drawings back, for tests.
 *
 * @packageDocumentation
 */

/** All elements of a name, as their attributes. */
export function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<${name}((?: [\\w-]+="[^"]*")*)/?>`, "g"))].map(([, attributes = ""]) =>
    Object.fromEntries(
      [...attributes.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
    ),
  );
}

/** Every element that is opened is closed, in order, and no bracket stands outside of one. */
export function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, close, name, selfClosed] of xml.matchAll(/<(\/?)([a-z]+)(?: [\w-]+="[^"<]*")*(\/?)>/g)) {
    if (close === "/") {
      if (open.pop() !== name) return false;
    } else if (selfClosed === "") open.push(name!);
  }
  return open.length === 0 && xml.replaceAll(/<[^<>]*>/g, "").search(/[<>]/) === -1;
}
