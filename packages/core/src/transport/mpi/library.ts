/**
 * Finds and loads libmpi.
 *
 * @packageDocumentation
 */
import type koffi from "koffi";
import { mpichAbi, openMpiAbi, type MpiAbi } from "./abi.ts";
import type { MpiEngine, MpiLauncher } from "./launcher.ts";
import { loadKoffi } from "./load-koffi.ts";
import { MpiStartError } from "./mpi-error.ts";

/** A loaded library of koffi. */
type Library = ReturnType<typeof koffi.load>;

/** A loaded libmpi, not yet started. */
export interface MpiLibrary {
  readonly library: Library;
  readonly abi: MpiAbi;
  readonly file: string;
  /** The first line of what `MPI_Get_library_version` says, for example `Open MPI v4.1.4`. */
  readonly version: string;
}

/** File names by the version in them, which is that of the binary interface. Debian's MPICH has a name of its own. */
const FILES: Readonly<Record<MpiEngine, readonly string[]>> = {
  "Open MPI": ["libmpi.so.40", "libmpi.40.dylib", "libmpi.so"],
  MPICH: ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib", "libmpi.so"],
};

const PACKAGES: Readonly<Record<MpiEngine, string>> = {
  "Open MPI": "openmpi-bin (Debian, Ubuntu), openmpi (Fedora, Homebrew)",
  MPICH: "mpich (Debian, Ubuntu, Fedora, Homebrew)",
};

/** Bytes of the longest version text: MPICH's limit. */
const MAX_VERSION_BYTES = 8192;

/**
 * Loads the library that belongs to the launcher. `MESHWRIGHT_MPI_LIBRARY` names another file.
 *
 * @throws MpiStartError if there is none, or only one of another implementation.
 */
export function loadMpiLibrary(
  launcher: Pick<MpiLauncher, "name" | "engine">,
  chosenFile: string | undefined = process.env.MESHWRIGHT_MPI_LIBRARY,
): MpiLibrary {
  const engines: readonly MpiEngine[] = launcher.engine ? [launcher.engine] : ["Open MPI", "MPICH"];
  const files = chosenFile === undefined ? engines.flatMap((engine) => FILES[engine]) : [chosenFile];
  const loader = loadKoffi();
  const problems: string[] = [];
  for (const file of files) {
    const library = tryLoad(loader, file, problems);
    if (library === undefined) continue;
    const loaded = identify(library, file);
    if (launcher.engine === undefined || loaded.abi.engine === launcher.engine) return loaded;
    problems.push(`${file}: is ${loaded.version}`);
  }
  throw new MpiStartError(
    `MPI: the processes were started by ${launcher.name}, whose library must be on every host (${problems.join("; ")}); install ${engines.map((engine) => PACKAGES[engine]).join(" or ")}, or set MESHWRIGHT_MPI_LIBRARY to the file.`,
  );
}

function tryLoad(loader: typeof koffi, file: string, problems: string[]): Library | undefined {
  try {
    // Open MPI's plug-ins look their symbols up in the global scope.
    return loader.load(file, { global: true });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    problems.push(text.includes(file) ? text : `${file}: ${text}`);
    return undefined;
  }
}

/** Asks the library what it is, which MPI allows before it is started. */
function identify(library: Library, file: string): MpiLibrary {
  const text = Buffer.alloc(MAX_VERSION_BYTES);
  const getVersion = library.func("MPI_Get_library_version", "int", ["void *", "void *"]) as (
    ...buffers: readonly unknown[]
  ) => number;
  const length = new Int32Array(1);
  getVersion(text, length);
  const full = text.toString("utf8", 0, text.indexOf(0));
  const version = versionLine(full);
  if (full.includes("Open MPI")) {
    return { library, file, version, abi: openMpiAbi((name) => library.symbol(name) as bigint) };
  }
  if (/MPICH|Intel\(R\) MPI|MVAPICH|CRAY/i.test(full)) return { library, file, version, abi: mpichAbi() };
  throw new MpiStartError(
    `MPI: ${file} (${version}) must be Open MPI 4 or 5, or MPICH 4 or 5 or one with its binary interface; install one of them.`,
  );
}

/** `Open MPI v4.1.4, package: ...` and `MPICH Version:\t4.0.2\n...` in short. */
function versionLine(full: string): string {
  const line = full.split(/[\n,]/)[0] ?? "";
  return line.replaceAll(/\s+/g, " ").trim();
}
