/**
 * The part of the WebAssembly API that the threads transport uses. TypeScript declares it only together with the DOM.
 *
 * @packageDocumentation
 */

/** A memory that several threads see at once. Structured-cloneable: the clone is the same memory. */
export interface SharedWasmMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WebAssemblyApi {
  readonly Memory: new (options: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => SharedWasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: unknown };
}

/** The engine's `WebAssembly`. */
export function webAssembly(): WebAssemblyApi {
  return Reflect.get(globalThis, "WebAssembly") as WebAssemblyApi;
}
