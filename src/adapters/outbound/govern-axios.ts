/** An axios instance under a policy, without a mesh. */
import type { CallView } from '../../core/call.ts'
import { attachOutcome, outcomeOf } from '../../core/outcome.ts'
import { needPolicy, type Policy } from '../../core/policy.ts'
import { whenAborted } from '../../core/signal.ts'
import { refusedStatus, shareErrors } from '../axios/errors.ts'
import { asReached, asRejection, callOf, FAILURE, isBroken } from './governed-call.ts'

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

/**
 * Puts an axios instance under a policy: what it sends in any way (`instance.get`, `instance(config)` …) is one governed call. Policies
 * see every response, whatever `validateStatus` says: it is asked at the end. A status of 500 or more, a timeout and a network error are
 * failures. Writes (POST, PATCH …) are retried only where the options of `retry` ask for it, or when the request did not reach the
 * server; a stream is sent once. Returns the same instance. Interceptors run once, outside of the policy; an adapter in the config of a
 * single request bypasses the policy.
 *
 * @example
 * const api = governAxios(axios.create(), pipeline(retry({ attempts: 2 }), circuitBreaker()))
 * console.log(typeof api.get) // => function
 */
export function governAxios<A extends AxiosLike>(instance: A, policy: Policy<any, any>): A {
  if (typeof instance?.create !== 'function')
    throw new TypeError('governAxios: expected axios or an instance made by axios.create(), then the policy')
  needPolicy(policy, 'governAxios')
  const bare = withoutDefaults(instance.create())
  const { adapter } = instance.defaults
  const asItIs = (data: unknown) => data
  /** What is done once, by the governed instance, no attempt does: its transforms, and what it thinks of a status. */
  const fixed = { adapter, transformRequest: [asItIs], transformResponse: [asItIs], validateStatus: null, cancelToken: undefined }
  instance.defaults.adapter = async (config: any) => {
    shareErrors(asItIs, config)
    const end = new AbortController()
    /** Errors that stand for a response. */
    const failures = new WeakMap<object, any>()
    const send = async (call: CallView) => {
      let response: any
      try {
        response = await bare.request({ ...config, ...fixed, signal: call.signal })
      } catch (error: any) {
        if (!isJudged(error)) throw explained(error, config)
        response = error.response
      }
      response.config = config
      if (response.status < FAILURE) return response
      const failure = refusedStatus(response) ?? new FailedAxiosResponse(response)
      failures.set(failure, response)
      throw failure
    }
    try {
      const hasHeader = (name: string) => config.headers?.has?.(name) === true
      const options = callOf((config.method ?? 'get').toUpperCase(), urlOf(config), config.data, callersSignal(config, end), hasHeader)
      return settled(await policy.execute(send, options), config)
    } catch (error: any) {
      const response = failures.get(error) ?? (error instanceof FailedAxiosResponse ? error.response : undefined)
      if (response === undefined) throw error
      return settled(response, config)
    } finally {
      end.abort()
    }
  }
  return instance
}

/** What its requests are is in their configs, to the last header: a default that an interceptor took away must not come back. */
function withoutDefaults(instance: AxiosLike): AxiosLike {
  const defaults: Record<string, unknown> = instance.defaults
  for (const name of Object.keys(defaults)) delete defaults[name]
  defaults['headers'] = {}
  return instance
}

/** The response as its caller gets it, or the error that its status is to him. A policy may give it to several callers; each has its own. */
function settled(result: any, config: any): any {
  if (typeof result?.status !== 'number' || result.config === undefined) return result
  const own = { ...result, config }
  const outcome = outcomeOf(result)
  if (outcome !== undefined) attachOutcome(own, outcome)
  const refused = refusedStatus(own)
  if (refused !== undefined) throw refused
  return own
}

const MISUSE =
  /^(ERR_INVALID_URL|ERR_BAD_OPTION|ERR_BAD_OPTION_VALUE|ERR_BAD_REQUEST|ERR_DEPRECATED|ERR_NOT_SUPPORT|ERR_FORM_DATA_DEPTH_EXCEEDED)$/

/** Whether an adapter of the caller's own has judged a status by itself. */
function isJudged({ isAxiosError, code, response }: any): boolean {
  const isGood = response?.status >= 200 && response?.status < 300
  return isAxiosError === true && response !== undefined && !isGood && (code === 'ERR_BAD_REQUEST' || code === 'ERR_BAD_RESPONSE')
}

/** An error of one attempt as policies and the caller see it: with the config that the caller knows. */
function explained(error: any, config: any): unknown {
  if (error?.isAxiosError !== true) return error?.code === 'ERR_INVALID_URL' ? asRejection(error) : error
  error.config = config
  if (error.response !== undefined) error.response.config = config
  if (isBroken(config.data) || (MISUSE.test(error.code) && error.response === undefined)) return asRejection(error)
  return error.request?._redirectCount > 0 ? asReached(error) : error
}

/** The caller's signal, which a cancel token aborts too. */
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

function urlOf({ url = '', baseURL }: any): string {
  return /^[a-z][a-z\d+\-.]*:/i.test(url) ? url : (baseURL ?? url)
}
