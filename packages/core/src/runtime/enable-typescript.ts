/**
 * TypeScript programs on ranks, by tsx.
 *
 * @packageDocumentation
 */
import { isTypeScript } from "./load-program.ts";

/**
 * A function that makes `import` understand the program at a URL: it registers tsx on this thread before the first
 * TypeScript file. In the source tree `worker-source.mjs` has done so already.
 */
export function enableTypeScript(): (url: string) => Promise<void> {
  let isEnabled = import.meta.url.endsWith(".ts");
  return async (url) => {
    if (isEnabled || !isTypeScript(url)) return;
    isEnabled = true;
    const [esm, cjs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]);
    esm.register();
    cjs.register();
  };
}
