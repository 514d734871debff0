/**
 * The second argument of fetch. What fast code writes is read as it is; anything else goes through the platform's own Request, which
 * knows what is valid and what it means.
 */
import { globalOrigin, PlatformAbortSignal, PlatformRequest } from '../../base/platform.ts'
import { followSignal } from './fetch-signal.ts'

/** In an init that went through `resolveInit`: the absolute URL. */
export const RESOLVED_URL: unique symbol = Symbol('meshless.resolved-url')

/** An init, or what became of one. Every member may be missing. */
export interface FetchInit {
  readonly [RESOLVED_URL]?: string | undefined
  readonly method?: unknown
  readonly headers?: unknown
  readonly body?: unknown
  readonly duplex?: unknown
  readonly signal?: AbortSignal | null | undefined
  readonly redirect?: RequestRedirect | undefined
  readonly mode?: RequestMode | undefined
  readonly cache?: RequestCache | undefined
  readonly referrer?: string | undefined
  readonly referrerPolicy?: string | undefined
  readonly integrity?: string | undefined
  readonly keepalive?: boolean | undefined
  readonly dispatcher?: unknown
}

export const NO_INIT: FetchInit = {}

/** Whether nothing in the init needs the platform's judgement. */
export function isUsualInit(init: any): boolean {
  if (typeof init !== 'object' || globalOrigin() !== undefined) return false
  const { redirect, signal, duplex } = init
  return (
    (redirect === undefined || redirect === 'follow' || redirect === 'manual' || redirect === 'error') &&
    (signal === undefined || signal === null || signal instanceof PlatformAbortSignal) &&
    (duplex === undefined || duplex === 'half') &&
    init.mode === undefined &&
    init.credentials === undefined &&
    init.cache === undefined &&
    init.referrer === undefined &&
    init.referrerPolicy === undefined &&
    init.integrity === undefined &&
    init.keepalive === undefined &&
    init.priority === undefined &&
    init.window === undefined
  )
}

/** What a Request takes over from another one when an init is given beside it; the referrer starts afresh. */
const INHERITED = ['method', 'headers', 'mode', 'credentials', 'cache', 'redirect', 'integrity', 'keepalive', 'signal'] as const
/** In the order in which fetch reads them. */
const MEMBERS = [
  'method',
  'headers',
  'body',
  'referrer',
  'referrerPolicy',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'integrity',
  'keepalive',
  'signal',
  'duplex',
  'priority',
  'window',
  'dispatcher',
] as const

/** The arguments of fetch as one init with a URL. Throws a `TypeError` where fetch does. Bodies and headers are left as they are. */
export function resolveInit(input: unknown, given: any): FetchInit {
  const from = isRequest(input) ? (input as any) : undefined
  const own = readMembers(given)
  const isChanged = Object.keys(own).length > 0
  if (from !== undefined && !isChanged) {
    const { url, method, headers, redirect, mode, cache, referrer, referrerPolicy, integrity, keepalive } = from
    const signal = followSignal(from.signal)
    return {
      [RESOLVED_URL]: url,
      method,
      headers,
      redirect,
      mode,
      cache,
      referrer,
      referrerPolicy,
      integrity,
      keepalive,
      signal,
    }
  }
  const all: Record<string, any> = {}
  if (from !== undefined) for (const name of INHERITED) all[name] = from[name]
  Object.assign(all, own)
  const { headers, body, signal, dispatcher, ...checked } = all
  const { duplex } = all
  if (!isOwnSignal(signal)) checked.signal = outlineOf(signal)
  const request = new PlatformRequest(from === undefined ? (input as string) : from.url, checked)
  const { url, redirect, mode, cache, referrer, referrerPolicy, integrity, keepalive } = request
  return {
    [RESOLVED_URL]: url,
    method: all.method,
    headers,
    body,
    duplex,
    signal: followSignal(signal),
    redirect,
    mode,
    cache,
    referrer,
    referrerPolicy,
    integrity,
    keepalive,
    dispatcher,
  }
}

export function isRequest(input: any): input is Request {
  if (typeof input !== 'object' || input === null) return false
  return input instanceof PlatformRequest || (input[Symbol.toStringTag] === 'Request' && typeof input.url === 'string')
}

/** Each member once, as it may be a getter. */
function readMembers(init: any): Record<string, any> {
  const own: Record<string, any> = {}
  if (init === undefined || init === null) return own
  if (typeof init !== 'object' && typeof init !== 'function') throw initError(init)
  for (const name of MEMBERS) {
    const value = init[name]
    if (value !== undefined) own[name] = value
  }
  return own
}

/** The platform's own error for an init that is not an object. */
function initError(init: unknown): unknown {
  try {
    new PlatformRequest('http://localhost/', init as RequestInit)
  } catch (error) {
    return error
  }
  return new TypeError('fetch: init is not an object')
}

/** The platform's own kind, which needs no check. */
const isOwnSignal = (signal: unknown) => signal === undefined || signal === null || signal instanceof PlatformAbortSignal

/** What the platform looks at to judge a signal. The signal itself it would listen to, and not stop when the request is over. */
const outlineOf = (signal: any) =>
  typeof signal?.addEventListener === 'function' ? { aborted: signal.aborted, addEventListener() {} } : signal
