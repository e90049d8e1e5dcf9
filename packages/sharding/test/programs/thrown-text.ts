/**
 * The error of a call as text.
 */

/** `Name: message` of what `body` throws, or `"nothing"`. */
export function thrownText(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return "nothing";
}
