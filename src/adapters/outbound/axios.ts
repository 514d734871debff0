/** axios: as an adapter over the mesh, and as an instance under a policy. Types are structural; axios itself is never imported. */
import type { CallView } from '../../core/call.ts'
import type { Policy } from '../../core/policy.ts'

/** What we use of an axios instance. */
export interface AxiosLike {
  request(config: any): Promise<any>
  defaults: { adapter?: any }
  getUri?(config: any): string
}

/** An adapter for `axios.create({ adapter })` that sends through the given fetch. */
export function axiosAdapter(fetcher: typeof fetch): (config: any) => Promise<any> {
  return async config => {
    const url = uriOf(config)
    const controller = config.timeout > 0 ? AbortSignal.timeout(config.timeout) : undefined
    const signals = [config.signal, controller].filter(s => s !== undefined)
    const method = (config.method ?? 'get').toUpperCase()
    let response: Response
    try {
      response = await fetcher(url, {
        method,
        headers: headersOf(config),
        ...(config.data === undefined || config.data === null || method === 'GET' || method === 'HEAD'
          ? {}
          : { body: config.data, duplex: 'half' }),
        ...(signals.length === 0 ? {} : { signal: signals.length === 1 ? signals[0] : AbortSignal.any(signals) }),
        redirect: config.maxRedirects === 0 ? 'manual' : 'follow',
      } as RequestInit)
    } catch (error) {
      const timedOut = controller?.aborted === true && config.signal?.aborted !== true
      const aborted = config.signal?.aborted === true
      throw axiosError(
        timedOut ? `timeout of ${config.timeout}ms exceeded` : aborted ? 'canceled' : String((error as Error).message),
        timedOut ? 'ECONNABORTED' : aborted ? 'ERR_CANCELED' : ((error as any).code ?? 'ERR_NETWORK'),
        config,
        undefined,
        error,
      )
    }
    const result = {
      data: await dataOf(response, config.responseType),
      status: response.status,
      statusText: response.statusText,
      headers: Object.fromEntries(response.headers),
      config,
      request: { responseURL: response.url },
    }
    if (response.headers.getSetCookie().length > 0) (result.headers as any)['set-cookie'] = response.headers.getSetCookie()
    const { validateStatus } = config
    if (!validateStatus || validateStatus(response.status)) return result
    throw axiosError(
      `Request failed with status code ${response.status}`,
      response.status >= 500 ? 'ERR_BAD_RESPONSE' : 'ERR_BAD_REQUEST',
      config,
      result,
    )
  }
}

async function dataOf(response: Response, type: string | undefined): Promise<unknown> {
  if (type === 'stream') return response.body
  if (type === 'arraybuffer') {
    const buffer = await response.arrayBuffer()
    return typeof Buffer === 'undefined' ? buffer : Buffer.from(buffer)
  }
  if (type === 'blob') return response.blob()
  return response.text()
}

function uriOf(config: any): string {
  const { url = '', baseURL, params } = config
  const full =
    baseURL && !/^([a-z][a-z\d+\-.]*:)?\/\//i.test(url)
      ? `${String(baseURL).replace(/\/?\/$/, '')}/${String(url).replace(/^\/+/, '')}`
      : url
  if (params === undefined || params === null) return full
  const serializer = config.paramsSerializer
  const text =
    typeof serializer?.serialize === 'function'
      ? serializer.serialize(params)
      : params instanceof URLSearchParams
        ? params.toString()
        : queryOf(params)
  return text === '' ? full : `${full}${full.includes('?') ? '&' : '?'}${text}`
}

function queryOf(params: object): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue
    if (Array.isArray(value)) for (const item of value) query.append(`${name}[]`, String(item))
    else query.append(name, value instanceof Date ? value.toISOString() : typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
  return query.toString()
}

function headersOf(config: any): [string, string][] {
  const plain = typeof config.headers?.toJSON === 'function' ? config.headers.toJSON() : (config.headers ?? {})
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(plain))
    if (value !== undefined && value !== null && value !== false) pairs.push([name, String(value)])
  if (config.auth) pairs.push(['Authorization', `Basic ${btoa(`${config.auth.username ?? ''}:${config.auth.password ?? ''}`)}`])
  return pairs
}

/** An error that `axios.isAxiosError` knows. */
function axiosError(message: string, code: string, config: any, response?: any, cause?: unknown): Error {
  const error: any = new Error(message, cause === undefined ? undefined : { cause })
  error.name = code === 'ERR_CANCELED' ? 'CanceledError' : 'AxiosError'
  if (code === 'ERR_CANCELED') error.__CANCEL__ = true
  Object.assign(error, { isAxiosError: true, code, config, request: response?.request })
  if (response !== undefined) Object.assign(error, { response, status: response.status })
  error.toJSON = () => ({ message, name: error.name, code, status: response?.status ?? null })
  return error
}

/**
 * Puts an axios instance under a policy: every request of it is one governed call. Returns the same instance.
 *
 * @example
 * governAxios(axios.create(), pipeline(retry({ attempts: 2 }), circuitBreaker()))
 */
export function governAxios<A extends AxiosLike>(instance: A, policy: Policy<any, any>): A {
  const send = instance.request.bind(instance)
  instance.request = (config: any) =>
    policy.execute((call: CallView) => send({ ...config, signal: call.signal }), {
      signal: config?.signal,
      method: config?.method?.toUpperCase() ?? 'GET',
    })
  return instance
}
