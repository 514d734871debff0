/**
 * Errors as axios makes them. axios is not imported: its class, and its version, are learnt from the default transforms of a config,
 * which throw an error of that class when they are given what they cannot take. Without any of them `instanceof AxiosError` does not
 * hold; `axios.isAxiosError` and `axios.isCancel` always do.
 */
import { isRejection } from '../../core/errors.ts'

interface AxiosErrorClass {
  new (message: string, code?: string, config?: any, request?: any, response?: any): Error
  from?(cause: any, code: string | undefined, config: any, request?: any, response?: any): Error
}

/** What is known of the axios that a config comes from. */
interface Axios {
  readonly errors: AxiosErrorClass
  readonly version: string | undefined
}

const known = new WeakMap<object, Axios>()

export function axiosError(message: string, code: string, config: any, request?: any, response?: any): Error {
  return new (axiosOf(config)?.errors ?? Lookalike)(message, code, config, request, response)
}

/** An error that came from elsewhere, as axios passes it on: its message, its name and, unless another is given, its code. */
export function axiosErrorFrom(cause: any, code: string | undefined, config: any, request?: any, response?: any): Error {
  const errors = axiosOf(config)?.errors
  const own = code ?? (typeof cause.code === 'string' ? cause.code : undefined)
  const error: any =
    errors?.from?.(cause, own, config, request, response) ?? wrapped(errors ?? Lookalike, cause, own, config, request, response)
  // What never reached the callee stays such an error for policies round the instance.
  if (isRejection(cause)) {
    Object.defineProperty(error, REJECTION, { value: true })
    if (cause.retryAfter !== undefined) error.retryAfter = cause.retryAfter
  }
  return error
}
const REJECTION: unique symbol = Symbol.for('meshless.rejection') as any

/** An error for which `axios.isCancel` holds. */
export function canceledError(message: string | null, config: any, request?: any): Error {
  const error = axiosError(message ?? 'canceled', 'ERR_CANCELED', config, request)
  return Object.assign(error, { name: 'CanceledError', __CANCEL__: true })
}

/** The error for a response whose status the config does not accept; `undefined` when it does. */
export function refusedStatus(response: any): Error | undefined {
  const { config, status, request } = response
  const { validateStatus } = config
  if (!status || !validateStatus || validateStatus(status)) return undefined
  const code = status >= 400 && status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE'
  return axiosError(`Request failed with status code ${status}`, code, config, request, response)
}

/** The version of axios, where it can be known. */
export const versionOf = (config: any): string | undefined => axiosOf(config)?.version

/** From now on a config with this transform makes the errors that `config` makes. */
export function shareErrors(transform: object, config: any): void {
  const axios = axiosOf(config)
  if (axios !== undefined) known.set(transform, axios)
}

/** What axios' default transforms throw an error of its class for, by their names. */
const PROVOCATIONS: Readonly<Record<string, (transform: (...args: any[]) => unknown) => unknown>> = {
  transformResponse: transform => transform.call({ responseType: 'json', transitional: { silentJSONParsing: false } }, '{', {}),
  transformRequest: transform => transform.call({}, { a: new Blob([]) }, { getContentType: () => 'application/x-www-form-urlencoded' }),
}

function axiosOf(config: any): Axios | undefined {
  for (const transform of [config?.transformResponse, config?.transformRequest].flat()) {
    if (typeof transform !== 'function') continue
    const axios = known.get(transform)
    if (axios !== undefined) return axios
    const provoke = Object.hasOwn(PROVOCATIONS, transform.name) ? PROVOCATIONS[transform.name] : undefined
    if (provoke === undefined) continue
    try {
      provoke(transform)
    } catch (error: any) {
      if (error?.isAxiosError !== true) continue
      const learnt = { errors: error.constructor, version: versionFrom(error.stack) }
      known.set(transform, learnt)
      return learnt
    }
  }
  return undefined
}

/** The version in the package of the file that threw; Node only, and not where axios was bundled into something else. */
function versionFrom(stack: unknown): string | undefined {
  const fs = globalThis.process?.getBuiltinModule?.('node:fs')
  if (fs === undefined || typeof stack !== 'string') return undefined
  for (const line of stack.split('\n')) {
    const found = /(?:\(|at )(?:file:\/\/(?=\/[A-Za-z]:)\/|file:\/\/)?([^()]*)[\\/](?:lib|dist)[\\/]/.exec(line)
    if (found === null) continue
    try {
      const { name, version } = JSON.parse(fs.readFileSync(`${decodeURI(found[1]!)}/package.json`, 'utf8'))
      if (name === 'axios') return version
    } catch {
      // no package is there
    }
  }
  return undefined
}

function wrapped(type: AxiosErrorClass, cause: any, code: string | undefined, config: any, request: any, response: any): Error {
  const error: any = new type(cause.message, code, config, request, response)
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  error.name = cause.name
  return error
}

class Lookalike extends Error {
  override name = 'AxiosError'
  readonly isAxiosError = true
  readonly code: string | undefined
  readonly config: any
  readonly request: any
  readonly response: any
  readonly status: number | undefined
  constructor(message: string, code?: string, config?: any, request?: any, response?: any) {
    super(message)
    this.code = code
    this.config = config
    this.request = request
    if (response === undefined) return
    this.response = response
    this.status = response.status
  }

  toJSON(): object {
    const { message, name, code, status } = this
    return { message, name, code, status: status ?? null }
  }
}
