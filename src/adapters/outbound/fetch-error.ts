/** Errors in the form that fetch gives them: callers look at `cause` and its code. */

const FAILED = 'fetch failed'

/** A fetch that got no response. */
export const failed = (cause?: unknown): TypeError => new TypeError(FAILED, { cause })

/** An error with the code and name by which fetch's own errors are known. */
export function coded(code: string, message: string): Error {
  const error = Object.assign(new Error(message), { code })
  const name = NAMES[code]
  if (name !== undefined) error.name = name
  return error
}

const NAMES: Record<string, string> = {
  UND_ERR_INVALID_ARG: 'InvalidArgumentError',
  UND_ERR_NOT_SUPPORTED: 'NotSupportedError',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'RequestContentLengthMismatchError',
}

/**
 * Throws the error again; one of fetch's own with the stack of the code that awaits it. It was made when a socket reported something,
 * and from there nothing leads to the caller.
 */
export function withCallerStack(error: unknown): never {
  if (error instanceof TypeError && error.message === FAILED) Error.captureStackTrace?.(error, withCallerStack)
  throw error
}
