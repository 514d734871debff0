/** What a mesh tells those who listen. */
import { Emitter, type EventNames, guarded } from '../core/events.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { Action } from './history.ts'

export interface MeshEvents {
  /** An endpoint was taken out. `until` is on the mesh clock's monotonic scale; it returns at the first sweep after that. `at`: ms since the epoch. */
  ejection: { cluster: string; endpoint: string; until: number | undefined; at: number }
  /** An endpoint came back. */
  unejection: { cluster: string; endpoint: string; until: number | undefined; at: number }
  /** The circuit breaker of a cluster changed its state. `at`: ms since the epoch. */
  transition: { cluster: string; from: string; to: string; cause: string; at: number }
  /** A new set of rules is in force. `source`: whose set changed; `*` after a rollback. */
  applied: { version: number; source: string; action: Action; warnings: readonly Diagnostic[]; at: number }
  /** A set was refused; the last good one stays. */
  rejected: { source: string; action: Action; errors: readonly Diagnostic[]; warnings: readonly Diagnostic[]; at: number }
  /** A source could not deliver; its last set stays. */
  sourceError: { source: string; error: Error; at: number }
  /**
   * Something in the rules in force will surprise; each once. Also what was said about the first rules, to listeners that are attached
   * right after `createMesh`. Without such a listener it is a warning of the process.
   */
  warning: Diagnostic
}

const EVERY: EventNames<MeshEvents> = {
  ejection: 1,
  unejection: 1,
  transition: 1,
  applied: 1,
  rejected: 1,
  sourceError: 1,
  warning: 1,
}
export const MESH_EVENTS = Object.keys(EVERY) as readonly (keyof MeshEvents)[]

type Observer = <K extends keyof MeshEvents>(type: K, event: MeshEvents[K]) => void

/** Events of a mesh. What nobody listens to is printed; somebody who follows them from outside is no listener. */
export class MeshEmitter extends Emitter<MeshEvents> {
  readonly #observers = new Set<Observer>()

  /** Shows every event to `observer` as well; returns what stops it. */
  observe(observer: Observer): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  override emit<K extends keyof MeshEvents>(type: K, event: MeshEvents[K]): void {
    super.emit(type, event)
    for (const observer of [...this.#observers]) guarded(observer<K>, type, event)
  }
}

export const meshEvents = () => new MeshEmitter('mesh', EVERY)
