/**
 * Interns layouts: equal layouts are one object with one id, so that decisions can be cached by id.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import type { DataType } from "@tensorflow/tfjs";
import { regionOf, type Layout } from "../layout.ts";
import type { DeviceMesh } from "../mesh.ts";
import { formatPlacement, type Placement } from "../placement.ts";
import type { CompiledPath } from "../redistribute/execute.ts";

/** A layout whose mesh can communicate. */
export interface MeshLayout extends Layout {
  readonly mesh: DeviceMesh;
  /** How values in other layouts get here, as far as it was asked for. */
  readonly arrivals: Map<Layout, CompiledPath>;
}

/** All layouts of one backend. */
export class LayoutTable {
  readonly #layouts = new Map<string, Layout>();
  readonly #byId: Layout[] = [];
  readonly #meshIds = new Map<DeviceMesh, number>();

  /** A value that is the same on every rank of the world. */
  everywhere(shape: readonly number[], dtype: DataType): Layout {
    const key = `${dtype}[${shape.join()}]`;
    return (
      this.#layouts.get(key) ?? this.#add(key, { shape, dtype, mesh: undefined, placements: [] }, shape, [])
    );
  }

  /** A value laid out on a mesh. `placements` holds one entry per axis, with dims in `0..ndim-1`. */
  on(
    mesh: DeviceMesh,
    shape: readonly number[],
    dtype: DataType,
    placements: readonly Placement[],
  ): MeshLayout {
    const meshId = this.#meshIds.get(mesh) ?? this.#addMesh(mesh);
    const key = `${dtype}[${shape.join()}]@${meshId}:${placements.map(formatPlacement).join()}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known as MeshLayout;
    const region = regionOf(shape, placements, mesh.shape, mesh.coordinate);
    return this.#add(key, { shape, dtype, mesh, placements }, region.shape, region.offset) as MeshLayout;
  }

  /** The layout with this id, which is on a mesh. */
  meshLayout(id: number): MeshLayout {
    const layout = this.#byId[id];
    if (layout?.mesh === undefined) throw new InternalError(`layout ${id} is on no mesh`);
    return layout as MeshLayout;
  }

  #addMesh(mesh: DeviceMesh): number {
    const id = this.#meshIds.size;
    this.#meshIds.set(mesh, id);
    return id;
  }

  #add(
    key: string,
    what: Pick<Layout, "shape" | "dtype" | "mesh" | "placements">,
    localShape: readonly number[],
    offset: readonly number[],
  ): Layout {
    // Not frozen: tfjs copies the shape of every tensor, and V8 copies frozen arrays 15 times more slowly.
    const layout: Layout & Pick<MeshLayout, "arrivals"> = {
      ...what,
      id: this.#layouts.size,
      shape: [...what.shape],
      localShape: [...localShape],
      offset: what.mesh === undefined ? localShape.map(() => 0) : [...offset],
      arrivals: new Map<Layout, CompiledPath>(),
    };
    this.#layouts.set(key, layout);
    this.#byId.push(layout);
    return layout;
  }
}
