/** What fetch and axios under a policy have in common: how a request describes its call, and whose fault an error is. */
import type { CallOptions } from '../../core/call.ts'
import type { Signal } from '../../core/signal.ts'
import { REACHED } from '../../policies/retry/http-outcome.ts'

const REJECTION = Symbol.for('meshless.rejection')

/** Statuses from here on are failures of the callee. */
export const FAILURE = 500

/** A request as policies look at it. `hasHeader` is asked for lower-case names. */
export function callOf(
  method: string,
  url: string,
  body: unknown,
  signal: Signal | undefined,
  hasHeader: (name: string) => boolean,
): CallOptions {
  const write = !/^(get|head|options|trace|put|delete|query)$/i.test(method)
  return {
    signal,
    method,
    host: /^[a-z][a-z\d+\-.]*:\/\/([^/?#]+)/i.exec(url)?.[1],
    // As Go's net/http reads it: the server takes such a request once, however often it comes.
    idempotent: write && (hasHeader('idempotency-key') || hasHeader('x-idempotency-key')) ? true : undefined,
    once: isStream(body),
  }
}

/** Streams of the web and of Node, old ones as well, and what is read like them: a second attempt would send what is left. */
function isStream(body: any): boolean {
  return (
    typeof body === 'object' &&
    body !== null &&
    (typeof body.pipe === 'function' || typeof body.getReader === 'function' || Symbol.asyncIterator in body)
  )
}

/** Whether the request ended because its own stream broke. */
export function isBroken(body: unknown): boolean {
  if (!isStream(body)) return false
  const node: any = globalThis.process?.getBuiltinModule?.('node:stream')
  return (body as { errored?: unknown }).errored != null || node?.isErrored?.(body) === true
}

/** The same error as one that says nothing about the callee: no policy counts it, and none calls again. */
export function asRejection(error: unknown): unknown {
  return marked(error, REJECTION)
}

/** The same error as one of a request that has reached a server. */
export function asReached(error: unknown): unknown {
  return marked(error, REACHED)
}

function marked(error: unknown, as: symbol): unknown {
  if (error instanceof Error && Object.isExtensible(error)) Object.defineProperty(error, as, { value: true })
  return error
}
