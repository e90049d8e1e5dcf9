/**
 * Layers, and the stages that a pipeline cuts a list of them into.
 *
 * @packageDocumentation
 */
import { namedParameters, setLossScale, type Module, type Parameter } from "@meshwright/core";
import { tidy, type Tensor } from "@tensorflow/tfjs";

/** What a stage cannot be cut inside of. */
export interface PipelineLayer {
  /** For errors and reports, for example `"blocks.3"`. */
  readonly name: string;
  /** By their dotted names in the whole model. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Shape of the input without its first dim (the rows of a micro-batch); `undefined` sizes may vary. */
  readonly inputShape?: readonly (number | undefined)[];
  /** Whose losses, if modules below it attach some to their outputs, count by the shares of micro-batches. */
  readonly module?: Module;
  /** The caller's scope owns the result. Must not keep anything from one call to the next. */
  apply(input: Tensor): Tensor;
}

/**
 * A module as a layer; the module's parameters are called `name.` and their own dotted name.
 *
 * @example
 * ```ts
 * const layers = [moduleLayer("up", up, { inputShape: [8] }), moduleLayer("down", down)]; // "up.weight", ...
 * ```
 */
export function moduleLayer(
  name: string,
  module: Module,
  options: Pick<PipelineLayer, "inputShape"> = {},
): PipelineLayer {
  const parameters = [...namedParameters(module)].map(
    ([path, parameter]) => [`${name}.${path}`, parameter] as const,
  );
  return { name, parameters: new Map(parameters), module, apply: (x) => module.apply(x), ...options };
}

/** Consecutive layers, which work as one. */
export class Stage {
  /** Position in the model: 0..p*v-1. */
  readonly index: number;
  readonly layers: readonly PipelineLayer[];
  /** Of all layers. A parameter that two layers share is here once, under its first name in the whole model. */
  readonly parameters: ReadonlyMap<string, Parameter>;

  /** @param nameOf - the first name of each parameter in the whole model */
  constructor(index: number, layers: readonly PipelineLayer[], nameOf: ReadonlyMap<Parameter, string>) {
    this.index = index;
    this.layers = layers;
    const parameters = layers.flatMap((layer) => [...layer.parameters.values()]);
    this.parameters = new Map(parameters.map((parameter) => [nameOf.get(parameter)!, parameter]));
  }

  /** The caller's scope owns the result. */
  apply(input: Tensor): Tensor {
    return tidy(() => {
      let x = input;
      for (const layer of this.layers) x = layer.apply(x);
      return x;
    });
  }

  /** What losses that its modules attach to their outputs are multiplied by. */
  setLossScale(scale: number): void {
    for (const { module } of this.layers) if (module !== undefined) setLossScale(module, scale);
  }

  /** `stage 1 ("blocks.2" to "head")` */
  describe(): string {
    const [first, last] = [this.layers[0]!.name, this.layers.at(-1)!.name];
    return `stage ${this.index} (${first === last ? `"${first}"` : `"${first}" to "${last}"`})`;
  }
}

/** The first name of every parameter. */
export function firstNames(layers: readonly PipelineLayer[]): ReadonlyMap<Parameter, string> {
  const names = new Map<Parameter, string>();
  for (const { parameters } of layers) {
    for (const [name, parameter] of parameters) if (!names.has(parameter)) names.set(parameter, name);
  }
  return names;
}
