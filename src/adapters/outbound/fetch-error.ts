/** Errors in the form that fetch gives them: callers look at `cause` and its code. */

/** A fetch that got no answer. */
export const failed = (cause?: unknown): TypeError => new TypeError('fetch failed', { cause })

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
