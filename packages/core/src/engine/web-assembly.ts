/**
 * The part of the WebAssembly API that the engine uses. TypeScript declares it only together with the DOM.
 *
 * @packageDocumentation
 */

/** A linear memory; `buffer` is replaced when it grows. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  validate(bytes: Uint8Array): boolean;
}

/** The runtime's `WebAssembly`. */
export function webAssembly(): WebAssemblyApi {
  return Reflect.get(globalThis, "WebAssembly") as WebAssemblyApi;
}
