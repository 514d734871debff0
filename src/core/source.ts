/** Where rule documents come from. Each source owns its own set; a new set replaces its old one as a whole. */
import type { Clock } from '../base/time/clock.ts'
import { anything, array, boolean, type InputOf, string } from './schema/index.ts'

export interface SourceSet {
  /** YAML text or parsed documents. */
  readonly documents: string | object | readonly (string | object)[]
  /** For diagnostics: a file path, a URL. */
  readonly origin?: string | undefined
}

export const trustFields = {
  unixSockets: boolean('Whether endpoints may be Unix sockets. Default: they may.'),
  linkLocal: boolean(
    'Whether endpoints may have link-local addresses (169.254.0.0/16, fe80::/10), where clouds keep their credentials; also by DNS. Default: they may.',
  ),
  tlsDirectory: anything<string | false>(
    'The directory below which certificates and keys may be named; `false`: none may be named. Default: any.',
  ),
  hosts: array('The hosts that may be named: exact, or wildcards such as `*.shop.svc.cluster.local`. Default: all.', string('')),
} as const

/**
 * How far the rules of a source may reach. What is left out is allowed, as for rules that the program itself gives; sources that others
 * can write to over a network begin with `TIGHT`.
 */
export interface Trust extends InputOf<typeof trustFields> {}

/** Nothing but addresses on the network. */
export const TIGHT: Trust = { unixSockets: false, linkLocal: false, tlsDirectory: false }

/** What a source is given by the mesh it serves. */
export interface SourceSurroundings {
  readonly clock: Clock
}

export interface Source {
  /** Unique among the sources of a mesh, e.g. `files:./rules`. */
  readonly name: string
  /** Default: everything is allowed. */
  readonly trust?: Trust | undefined
  /** Begins to deliver. `deliver` is called with each new set, `fail` when the source is broken (the last set stays). Returns what stops it. */
  start(deliver: (set: readonly SourceSet[]) => void, fail: (error: Error) => void, around: SourceSurroundings): () => void | Promise<void>
}
