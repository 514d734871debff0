/** What a transport hands over, held to its interface: a transport is perhaps code of the user. */
import { report } from '../../../core/events.ts'
import { isPromiseLike } from '../../../core/next.ts'
import { show } from '../../../core/schema/fault.ts'
import type { Connection, Stream, WireResponse } from '../../../core/transport.ts'

/** Throws for what is not a connection. */
export function asConnection(value: unknown): Connection {
  if (hasMethods(value, 'send', 'drain', 'destroy')) return value as Connection
  heardOut(value)
  throw new TypeError(`transport.connect returned ${show(value)}; expected a connection with send, drain and destroy`)
}

/** Throws for what is not a stream. */
export function asStream(value: unknown): Stream {
  if (hasMethods(value, 'cancel')) return value as Stream
  heardOut(value)
  throw new TypeError(`connection.send returned ${show(value)}; expected a stream with cancel`)
}

/** What is wrong with a response, `undefined` for nothing. */
export function responseFault(response: WireResponse | undefined): TypeError | undefined {
  if (typeof response?.status === 'number' && Array.isArray(response.headers) && typeof response.body?.read === 'function') return undefined
  return new TypeError(`the transport reported the response ${show(response)}; expected { status, statusText, headers, body }`)
}

/** A promise in its place may reject, and nobody else would hear of it. */
function heardOut(value: unknown): void {
  if (isPromiseLike(value)) Promise.resolve(value).then(undefined, report)
}

const hasMethods = (value: unknown, ...names: readonly string[]): boolean =>
  names.every(name => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function')
