/**
 * Finds keys that appear twice in one JSON object, which `JSON.parse` would silently let the last one win.
 *
 * @packageDocumentation
 */

/** What matters of JSON: texts (with a colon behind they are keys), and where objects and arrays begin and end. */
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;

/** The first key that an object of this valid JSON text has twice. */
export function findDuplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(TOKEN)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
