/** The URL of one of the programs in `programs/`. */
export function programUrl(name: string): URL {
  return new URL(`./programs/${name}.ts`, import.meta.url);
}
