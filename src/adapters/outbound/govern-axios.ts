/** An axios instance under a policy, without a mesh. */
import type { CallView } from '../../core/call.ts'
import { needPolicy, type Policy } from '../../core/policy.ts'
import { whenAborted } from '../../core/signal.ts'
import { FAILURE } from './govern.ts'
import { SentOnce } from './sent-once.ts'

/** What we use of an axios instance. */
export interface AxiosLike {
  request(config: any): Promise<any>
  create?(config?: any): AxiosLike
  defaults: { adapter?: any }
}

/** A response with a status that is a failure, where the config accepts every status. */
export class FailedAxiosResponse extends Error {
  override readonly name = 'FailedAxiosResponse'
  readonly response: any
  readonly status: number
  constructor(response: any) {
    super(`HTTP ${response.status}`)
    this.response = response
    this.status = response.status
  }
}

/** A refusal of the callee's that is none of its failures: it leaves the policies as a result. */
class Refused {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/**
 * Puts an axios instance under a policy: what it sends in any way (`instance.get`, `instance(config)` …) is one governed call. A status of
 * 500 or more, a timeout and a network error are failures; a 404 that `validateStatus` refuses is rejected as ever and is none. Returns
 * the same instance. A stream is sent once: what that came to is the end. Interceptors run once, outside the policy; an adapter in the config of a single request passes the policy by.
 *
 * @example
 * const api = governAxios(axios.create(), pipeline(retry({ attempts: 2 }), circuitBreaker()))
 * console.log(typeof api.get) // => function
 */
export function governAxios<A extends AxiosLike>(instance: A, policy: Policy<any, any>): A {
  if (typeof instance?.create !== 'function')
    throw new TypeError('governAxios: expected axios or an instance made by axios.create(), then the policy')
  needPolicy(policy, 'governAxios')
  const bare = instance.create({ adapter: instance.defaults.adapter, transformRequest: [asItIs], transformResponse: [asItIs] })
  const { adapter } = instance.defaults
  instance.defaults.adapter = async (config: any) => {
    const end = new AbortController()
    const signal = callersSignal(config, end)
    const body = new SentOnce(config.data)
    const send = async (call: CallView) => {
      try {
        const response = await bare.request({
          ...config,
          adapter,
          transformRequest: [asItIs],
          transformResponse: [asItIs],
          cancelToken: undefined,
          signal: call.signal,
        })
        if (response.status >= FAILURE) throw new FailedAxiosResponse(response)
        return response
      } catch (error: any) {
        const status = error?.response?.status
        if (status !== undefined && status < FAILURE && !(error instanceof FailedAxiosResponse)) return new Refused(error)
        throw error
      }
    }
    try {
      const result = await policy.execute((call: CallView) => body.send(() => send(call)), {
        signal,
        method: (config.method ?? 'get').toUpperCase(),
        host: hostOf(config),
      })
      if (result instanceof Refused) throw result.error
      return result
    } catch (thrown) {
      const error = body.reason(thrown)
      if (error instanceof FailedAxiosResponse) return error.response
      throw error
    } finally {
      end.abort()
    }
  }
  return instance
}

/** Data is transformed by the governed instance, before and after. */
const asItIs = (data: unknown) => data

/** The caller's signal, which his cancel token aborts too. */
function callersSignal(config: any, end: AbortController): AbortSignal | undefined {
  const { signal, cancelToken } = config
  if (!cancelToken) return signal ?? undefined
  const controller = new AbortController()
  const cancel = (reason: unknown) => controller.abort(reason)
  cancelToken.subscribe(cancel)
  end.signal.addEventListener('abort', () => cancelToken.unsubscribe(cancel))
  if (signal) {
    const abort = () => controller.abort(signal.reason)
    if (signal.aborted) abort()
    else end.signal.addEventListener('abort', whenAborted(signal, abort))
  }
  return controller.signal
}

function hostOf(config: any): string | undefined {
  const found = /^[a-z][a-z\d+\-.]*:\/\/([^/?#]+)/i.exec(
    `${/^[a-z][a-z\d+\-.]*:/i.test(config.url ?? '') ? config.url : (config.baseURL ?? config.url ?? '')}`,
  )
  return found?.[1]
}
