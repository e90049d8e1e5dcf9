/**
 * Packages that a command needs and this package does not depend on.
 *
 * @packageDocumentation
 */
import { createRequire, register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "./exit-code.ts";

/**
 * Imports a package from beside this one, or from the project in the working directory (package managers with strict
 * `node_modules` show us only what we depend on).
 *
 * @param command - Who needs it, for the error.
 * @throws UsageError if it is installed in neither place.
 */
export async function importPackage(name: string, command: string): Promise<unknown> {
  if (import.meta.url.endsWith(".ts")) useSources();
  try {
    return await import(name);
  } catch (error) {
    if (!isMissing(error, name)) throw error;
  }
  let file: string;
  try {
    file = createRequire(join(process.cwd(), "package.json")).resolve(name);
  } catch (cause) {
    throw new UsageError(
      `${command}: package ${name} (not found) must be installed beside @meshwright/core or in ${process.cwd()}; use "npm install ${name}".`,
      { cause },
    );
  }
  return import(pathToFileURL(file).href);
}

/** Whether it is this package that is missing, and not one that it needs itself. */
function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${name}'`)
  );
}

/** In the source tree nothing may be built yet: packages of the workspace resolve to their sources. */
function useSources(): void {
  const hook = `export const resolve = (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, "@meshwright/source"] });`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
