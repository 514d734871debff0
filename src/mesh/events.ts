/** What a mesh tells those who listen. */
import type { Diagnostic } from '../rules/istio/diagnostic.ts'

export interface MeshEvents {
  /** An endpoint was taken out. `until` is on the mesh clock's monotonic scale; it returns at the first sweep after that. */
  ejection: { cluster: string; endpoint: string; until: number | undefined; at: number }
  /** An endpoint came back. */
  unejection: { cluster: string; endpoint: string; until: number | undefined; at: number }
  /** A new set of rules is in force. */
  applied: { version: number; warnings: readonly Diagnostic[] }
  /** A set was refused; the last good one stays. */
  rejected: { errors: readonly Diagnostic[]; warnings: readonly Diagnostic[] }
}
