/**
 * Errors as axios makes them. We do not import axios; where its own error class can be had from the config of a request (its default
 * transform throws one when asked to), `instanceof AxiosError` holds, otherwise `axios.isAxiosError` still does.
 */

type AxiosErrorClass = new (message: string, code: string, config: any, request: any, response?: any) => Error

const classes = new WeakMap<object, AxiosErrorClass>()

export function axiosError(message: string, code: string, config: any, response?: any, cause?: unknown): Error {
  const known = classOf(config)
  const error: any = known === undefined ? new Error(message) : new known(message, code, config, response?.request, response)
  if (known === undefined) {
    error.name = 'AxiosError'
    Object.assign(error, { isAxiosError: true, code, config, request: response?.request })
    if (response !== undefined) Object.assign(error, { response, status: response.status })
    error.toJSON = () => ({ message, name: error.name, code, status: response?.status ?? null })
  }
  if (cause !== undefined && error.cause === undefined)
    Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  return error
}

/** The error for a response whose status the config does not accept; `undefined` when it does. */
export function refusedStatus(response: any): Error | undefined {
  const { config, status } = response
  const { validateStatus } = config
  if (!status || !validateStatus || validateStatus(status)) return undefined
  const code = status >= 400 && status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE'
  return axiosError(`Request failed with status code ${status}`, code, config, response)
}

function classOf(config: any): AxiosErrorClass | undefined {
  for (const transform of [config?.transformResponse].flat()) {
    if (typeof transform !== 'function' || transform.name !== 'transformResponse') continue
    const known = classes.get(transform)
    if (known !== undefined) return known
    try {
      transform.call({ responseType: 'json', transitional: { silentJSONParsing: false } }, '{', {})
    } catch (error: any) {
      if (error?.isAxiosError !== true) continue
      classes.set(transform, error.constructor)
      return error.constructor
    }
  }
  return undefined
}
