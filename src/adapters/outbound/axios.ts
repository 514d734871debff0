/** axios as an adapter over the mesh: a config becomes a fetch, the Response what axios users expect. axios itself is never imported. */
import { systemClock } from '../../base/time/clock.ts'
import { attachOutcome, outcomeOf } from '../../core/outcome.ts'
import { whenAborted } from '../../core/signal.ts'
import { bodyOfConfig, dataOf } from './axios-data.ts'
import { axiosError, refusedStatus } from './axios-error.ts'
import { uriOf } from './axios-url.ts'
import { BEYOND_FETCH } from './fetch-request.ts'

/** Options of axios that speak of a connection which is not its own here. */
const REFUSED = ['socketPath', 'lookup', 'beforeRedirect', 'transport'] as const

/** An adapter for `axios.create({ adapter })` that sends through the given fetch. */
export function axiosAdapter(fetcher: typeof fetch): (config: any) => Promise<any> {
  return async config => {
    refuse(config)
    const cancel = new Cancelling(config)
    let streaming = false
    try {
      const response = await fetcher(uriOf(config), initOf(config, cancel.signal))
      streaming = config.responseType === 'stream'
      const result = await resultOf(response, config, () => cancel.end())
      const refused = refusedStatus(result)
      if (refused !== undefined) throw refused
      return result
    } catch (error) {
      throw cancel.explain(error)
    } finally {
      if (!streaming) cancel.end()
    }
  }
}

function refuse(config: any): void {
  for (const name of REFUSED)
    if (config[name] !== undefined && config[name] !== null)
      throw axiosError(`${name} cannot be honoured: requests go through the connections of the mesh`, 'ERR_NOT_SUPPORT', config)
  if (typeof config.proxy === 'object' && config.proxy !== null)
    throw axiosError(
      'proxy cannot be honoured: requests go through the connections of the mesh; leave it out or set proxy: false',
      'ERR_NOT_SUPPORT',
      config,
    )
}

function initOf(config: any, signal: AbortSignal | undefined): RequestInit {
  const { body, headers: ofBody } = bodyOfConfig(config)
  const redirects = config.maxRedirects
  return {
    method: (config.method ?? 'get').toUpperCase(),
    headers: headersOf(config, ofBody),
    redirect: redirects === 0 ? 'manual' : 'follow',
    ...(body === undefined ? {} : { body: body as BodyInit, duplex: 'half' }),
    ...(signal === undefined ? {} : { signal }),
    [BEYOND_FETCH]: { bodyOnGet: true, ...(typeof redirects === 'number' ? { maxRedirects: redirects } : {}) },
  } as RequestInit
}

function headersOf(config: any, ofBody: Readonly<Record<string, string | null>>): [string, string][] {
  const plain = typeof config.headers?.toJSON === 'function' ? config.headers.toJSON() : (config.headers ?? {})
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(plain)) {
    const lower = name.toLowerCase()
    if (value === undefined || value === null || value === false || ofBody[lower] !== undefined) continue
    // The transport counts for itself.
    if (lower === 'content-length' || (lower === 'authorization' && config.auth)) continue
    pairs.push([name, Array.isArray(value) ? value.join(', ') : String(value)])
  }
  for (const [name, value] of Object.entries(ofBody)) if (value !== null) pairs.push([name, value])
  if (config.auth) pairs.push(['Authorization', basic(config.auth)])
  return pairs
}

/** As axios' Node adapter writes them: UTF-8. */
function basic({ username = '', password = '' }: { username?: string; password?: string }): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${username}:${password}`)))}`
}

async function resultOf(response: Response, config: any, done: () => void): Promise<any> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of response.headers) if (name !== 'set-cookie') headers[name] = value
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  const { url, status, statusText } = response
  const result = {
    data: await dataOf(response, config, done),
    status,
    statusText,
    headers,
    config,
    request: { responseURL: url, res: { responseUrl: url }, path: url.replace(/^[a-z]+:\/\/[^/]*/i, '') },
  }
  const outcome = outcomeOf(response)
  return outcome === undefined ? result : attachOutcome(result, outcome)
}

/** The one signal of a request: the caller's, his cancel token's, and the timeout's. */
class Cancelling {
  readonly signal: AbortSignal | undefined
  readonly #config: any
  readonly #ends: (() => void)[] = []
  #timedOut = false

  constructor(config: any) {
    this.#config = config
    const { signal, cancelToken, timeout } = config
    if (!signal && !cancelToken && !(timeout > 0)) return
    const controller = new AbortController()
    this.signal = controller.signal
    if (timeout > 0) {
      const timer = systemClock.schedule(
        Number(timeout),
        () => {
          this.#timedOut = true
          controller.abort(new DOMException('timeout', 'TimeoutError'))
        },
        { keepAlive: true },
      )
      this.#ends.push(() => timer.cancel())
    }
    if (signal) {
      const listener = () => controller.abort(signal.reason)
      if (signal.aborted) listener()
      else this.#ends.push(whenAborted(signal, listener))
    }
    if (cancelToken) {
      const listener = (reason: unknown) => controller.abort(reason)
      cancelToken.subscribe(listener)
      this.#ends.push(() => cancelToken.unsubscribe(listener))
    }
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end()
  }

  /** The error as axios would put it. A cancelled request keeps its reason: axios itself then says that it was cancelled. */
  explain(error: any): unknown {
    const config = this.#config
    if (this.#timedOut) {
      const code = config.transitional?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED'
      return axiosError(config.timeoutErrorMessage || `timeout of ${config.timeout}ms exceeded`, code, config, undefined, error)
    }
    if (this.signal?.aborted === true || error?.isAxiosError === true) return error
    const cause = error?.cause
    // A body that we refused while it was sent or read, in whatever it was wrapped on its way.
    if (cause?.isAxiosError === true) return cause
    if (error?.name === 'TypeError' && cause === undefined) return axiosError(error.message, 'ERR_INVALID_URL', config, undefined, error)
    const code = cause?.code ?? error?.code
    if (code === undefined)
      return error instanceof Error && cause === undefined
        ? error
        : axiosError(cause?.message ?? 'Network Error', 'ERR_NETWORK', config, undefined, error)
    if (code === 'ERR_REDIRECTS')
      return axiosError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS', config, undefined, error)
    return axiosError(cause?.message ?? error.message, code === 'UND_ERR_SOCKET' ? 'ECONNRESET' : code, config, undefined, error)
  }
}
