/**
 * What an installation would do, in order: found out without the network, and without writing anything.
 *
 * @packageDocumentation
 */
import { findCompiler } from "./build-addon.ts";
import { engineCache, type Environment } from "./engine-cache.ts";
import { readEngineRecord, type EngineSource } from "./engine-record.ts";
import { findPip } from "./find-pip.ts";
import { EngineInstallError } from "./install-error.ts";
import { defaultPackagesFrom, isWanted, sourcesOf, type InstallRequest } from "./install.ts";
import { installedPackage, TFJS_NODE_VERSION } from "./javascript-package.ts";
import { packageArchives } from "./package-source.ts";
import { wheelRequest } from "./wheel-source.ts";

/** One step of one source; the next source is tried only where one fails. */
export interface PlannedStep {
  readonly source: EngineSource;
  readonly what: string;
  /** To fetch, or to write; unknown if left out. */
  readonly bytes?: number;
  /** What is missing on this machine, so that the step would fail. */
  readonly missing?: string;
}

/** What an installation would do. */
export interface InstallPlan {
  readonly folder: string;
  /** TensorFlow's version that is installed now. */
  readonly installed?: string;
  /** Whether what is installed is what is asked for, so that nothing is done as long as it is whole. */
  readonly isPresent: boolean;
  readonly steps: readonly PlannedStep[];
}

/** Bytes of the wheels of TensorFlow 2.21.0 for CPython 3.11 on x86-64, and of what is taken from them. */
const WHEEL_BYTES = {
  cpu: { archive: 273_829_956, unpacked: 853_308_936 },
  gpu: { archive: 572_440_367, unpacked: 1_259_021_080 },
} as const;

/** Options of {@link planInstall}. */
export interface PlanOptions extends InstallRequest {
  readonly env?: Environment;
  readonly packagesFrom?: readonly string[];
}

/** The plan on this machine, with these tools. */
export async function planInstall(options: PlanOptions): Promise<InstallPlan> {
  const { env = process.env } = options;
  const { engine } = engineCache(env);
  const record = readEngineRecord(engine);
  const steps: PlannedStep[] = [];
  for (const source of sourcesOf(options)) {
    const own = source === "package" ? packageSteps(options, env) : await wheelSteps(options, env);
    steps.push(
      ...own,
      ...javaScriptSteps(source, options),
      ...(source === "wheel" ? await buildSteps(options, env) : []),
    );
  }
  const isPresent = record !== undefined && !options.force && isWanted(record, options);
  const installed = record === undefined ? {} : { installed: record.tensorflowVersion };
  return { folder: engine, ...installed, isPresent, steps };
}

function packageSteps({ gpu }: PlanOptions, env: Environment): readonly PlannedStep[] {
  const { addon, library } = packageArchives(gpu, env);
  return [addon, library].map((url) => ({ source: "package", what: `fetch ${url}` }));
}

async function wheelSteps({ gpu, wheel }: PlanOptions, env: Environment): Promise<readonly PlannedStep[]> {
  const { archive, unpacked } = gpu ? WHEEL_BYTES.gpu : WHEEL_BYTES.cpu;
  const source = "wheel";
  const unpack: PlannedStep = { source, what: "unpack its shared libraries and C headers", bytes: unpacked };
  if (wheel !== undefined) return [{ source, what: `read ${wheel}` }, unpack];
  const { project, version } = wheelRequest({ gpu });
  const what = `fetch ${project}==${version} with pip`;
  const missing = await whatIsMissing(() => findPip({ env }));
  return [{ source, what, bytes: archive, ...missing }, unpack];
}

function javaScriptSteps(source: EngineSource, { packagesFrom }: PlanOptions): readonly PlannedStep[] {
  if (installedPackage(packagesFrom ?? defaultPackagesFrom()) !== undefined) return [];
  return [{ source, what: `fetch @tensorflow/tfjs-node@${TFJS_NODE_VERSION} with npm` }];
}

async function buildSteps({ gpu }: PlanOptions, env: Environment): Promise<readonly PlannedStep[]> {
  const compiler = await findCompiler({ env, signal: undefined });
  const parts = gpu ? "tfjs-node's addon" : "tfjs-node's addon and the fused operations";
  const what = `build ${parts} with ${compiler?.join(" ") ?? "a C++ compiler"}`;
  return [
    { source: "wheel", what, ...(compiler === undefined ? { missing: "no C++ compiler on PATH" } : {}) },
  ];
}

async function whatIsMissing(find: () => Promise<unknown>): Promise<{ readonly missing?: string }> {
  try {
    await find();
    return {};
  } catch (error) {
    if (error instanceof EngineInstallError) return { missing: "no pip on PATH" };
    throw error;
  }
}
