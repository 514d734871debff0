/** Replies of the admin API as plain values: the API is a function from a request to one of them, and a server only carries it. */
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'

export interface AdminReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Sent as JSON; absent for an empty body. */
  readonly body?: unknown
  /** Instead of a body: events, until the reader leaves. Returns what stops them. */
  readonly stream?: EventStream | undefined
}

/** Sends events until it is stopped by what it returns. */
export type EventStream = (send: (event: string, data: unknown) => void) => () => void

/** An answer that is no success. Thrown by whoever notices. */
export class AdminError extends Error {
  readonly status: number
  readonly code: string
  readonly hint: string | undefined
  readonly diagnostics: readonly Diagnostic[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    more: { hint?: string; diagnostics?: readonly Diagnostic[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.hint = more.hint
    this.diagnostics = more.diagnostics
    this.headers = more.headers ?? {}
  }
}

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}, status = 200): AdminReply {
  return { status, headers, body }
}

export function failure({ status, code, message, hint, diagnostics, headers }: AdminError): AdminReply {
  return { status, headers, body: { error: { code, message, ...(hint !== undefined && { hint }), ...(diagnostics && { diagnostics }) } } }
}
