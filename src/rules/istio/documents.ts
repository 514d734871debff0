/** What rule documents made in code have in common, and the type of our own kind. */

import type { BLOCKS } from '../../core/schema/policies/index.ts'
import type { InOf } from '../../core/schema/types.ts'
import type { ResilienceTarget } from './resilience-policy.ts'

/** Name, namespace and more of a document. */
export interface DocumentMetadata {
  name: string
  /** Default: `default`. */
  namespace?: string | undefined
  /** When two documents compete the older one counts. */
  creationTimestamp?: string | undefined
  labels?: Record<string, string> | undefined
  /** `meshless.dev/lint-ignore: code,code` silences findings of lint. */
  annotations?: Record<string, string> | undefined
}

/** The options of a block: those of its policy that are data. */
type BlockOptions<F> = {
  [K in keyof F as InOf<F[K]> extends (...args: any[]) => unknown ? never : K]?: InOf<F[K]> | undefined
}

/** Policies for calls to some hosts or routes. */
export interface ResiliencePolicy {
  apiVersion: 'meshless.dev/v1'
  kind: 'ResiliencePolicy'
  metadata: DocumentMetadata
  spec: { targets: ResilienceTarget[] } & { [B in keyof typeof BLOCKS]?: BlockOptions<(typeof BLOCKS)[B]['fields']> | undefined }
  status?: unknown
}
