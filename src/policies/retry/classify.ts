/**
 * What a try's end means to a retry. Hooks and their data forms meet here, once, when options are read. A hook that throws is reported and
 * counts as a no: a broken hook must not repeat calls.
 */
import type { Call } from '../../core/call.ts'
import { isOneOf } from '../../core/error-kinds.ts'
import { isRejection } from '../../core/errors.ts'
import { askHook } from '../../core/hooks.ts'
import { headerOf, neverSent, resetOf, responseOf, statusOf } from './http-outcome.ts'
import type { RetrySettings } from './options.ts'
import { type RetryOn, shouldRetryReset, shouldRetryResponse } from './retry-on.ts'

export interface RetryClassifier {
  /** `undefined`: no result is worth another try. */
  readonly result: ((result: unknown, call: Call) => boolean) | undefined
  /** Whether an error is worth another try; otherwise it is ignored. */
  error(error: unknown, call: Call): boolean
}

/** Methods whose requests may be made twice (RFC 9110 §9.2.2, and QUERY): another request may be a write. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])

export function retryClassifier(settings: RetrySettings): RetryClassifier {
  const { retryOn, retryOnResult, retryExceptions, retryOnException, ignoreExceptions, ignoreException } = settings
  const chosen = retryExceptions !== undefined || retryOnException !== undefined
  const methods = settings.methods && new Set(settings.methods.map(method => method.toUpperCase()))
  const hasListedMethod = (call: Call) => methods === undefined || call.method === undefined || methods.has(call.method.toUpperCase())

  /** `undefined`: no option names this error, so that the default decides. */
  const named = (error: unknown): boolean | undefined => {
    if (ignoreExceptions !== undefined && isOneOf(ignoreExceptions, error)) return false
    if (ignoreException !== undefined && says(ignoreException, error)) return false
    if (retryExceptions !== undefined && isOneOf(retryExceptions, error)) return true
    if (retryOnException !== undefined && says(retryOnException, error)) return true
    const http = retryOn === undefined ? undefined : httpAsks(retryOn, error)
    return http ?? (chosen ? false : undefined)
  }
  return {
    result:
      retryOn === undefined && retryOnResult === undefined
        ? undefined
        : (result, call) =>
            (hasListedMethod(call) || neverSent(result)) &&
            ((retryOnResult !== undefined && says(retryOnResult, result)) ||
              (retryOn !== undefined && responseAsks(retryOn, result) === true)),
    error(error, call) {
      const unsent = isRejection(error) ? settings.retryRejections : neverSent(error)
      if (isRejection(error) && !unsent) return false
      if (!unsent && !hasListedMethod(call)) return false
      // A write may have taken effect: it is repeated only when somebody asked for it.
      return named(error) ?? (unsent || methods !== undefined || isRepeatable(call))
    },
  }
}

function isRepeatable({ method, idempotent }: Call): boolean {
  return idempotent ?? (method === undefined || IDEMPOTENT.has(method.toUpperCase()))
}

/** `undefined`: no HTTP outcome, so `retryOn` has nothing to say. */
function httpAsks(on: RetryOn, error: unknown): boolean | undefined {
  const response = responseAsks(on, error)
  if (response === true) return true
  // An error of a body that broke carries its response, whose status may be as good as any.
  const reset = resetOf(error)
  return reset === undefined ? response : shouldRetryReset(on, reset, !neverSent(error))
}

function responseAsks(on: RetryOn, outcome: unknown): boolean | undefined {
  const response = responseOf(outcome)
  return response && shouldRetryResponse(on, statusOf(response)!, name => headerOf(response, name))
}

const says = <T>(hook: (value: T) => unknown, value: T): boolean => askHook(hook, false, value) === true
