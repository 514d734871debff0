/** What enters the mesh and what comes back: the seam between the ways in (adapters) and the engine. */
import type { Outcome } from '../../core/outcome.ts'
import type { BodySource, WireBody } from '../../core/transport.ts'
import type { Trust } from '../../core/trust.ts'

/** A request as it enters the mesh. */
export interface MeshRequest {
  method: string
  scheme: 'http' | 'https'
  /** host[:port] as the URL says. */
  authority: string
  /** Path and query, byte for byte. */
  path: string
  /** Name, value, name, value …: as the user wrote them plus fetch's defaults. */
  headers: string[]
  body: WireBody | undefined
  signal: AbortSignal | undefined
  /** When a caller of ours stops waiting (ms of the mesh's clock): no try, and no timeout that the upstream is told, goes beyond it. */
  deadline?: number | undefined
  /** What bounds the addresses that it may lead to: it follows from rules that are trusted so far. */
  trust?: Trust | undefined
}

/** What comes back: from an upstream, or made here. The body is not read yet; a local one is `text`. */
export interface MeshReply {
  status: number
  statusText: string
  headers: string[]
  body: BodySource | undefined
  /** The body of a local reply. */
  text: string | undefined
  outcome: Outcome
  /** What bounds the redirect that it may be: the trust of the rules it came by. */
  trust?: Trust | undefined
}

/** Answers one request (one hop). Rejects only with the caller's abort reason, a TypeError as fetch would, or (`localReplies: 'throw'`) an error. */
export type Handle = (request: MeshRequest) => Promise<MeshReply>
