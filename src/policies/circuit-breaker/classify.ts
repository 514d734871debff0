/**
 * What a result or an error means to a breaker: a failure, a success, or nothing. Hooks and their data form meet here, once, when options
 * are read. A hook that throws is reported and the call counts as if there were no hook: a broken hook must not break calls or keep permits.
 */
import { isOneOf } from '../../core/error-kinds.ts'
import { guarded } from '../../core/events.ts'
import { askHook } from '../../core/hooks.ts'
import type { CircuitBreakerSettings } from './options.ts'

export type Meaning = 'failure' | 'success' | 'nothing'

export interface Classifier {
  /** `undefined`: every result is a success. */
  readonly result: ((result: unknown) => Meaning) | undefined
  /** `undefined`: every error is a failure. */
  readonly error: ((error: unknown) => Meaning) | undefined
}

const BY_DEFAULT: Classifier = { result: undefined, error: undefined }

export function classifier(settings: CircuitBreakerSettings): Classifier {
  const [result, error] = [resultClassifier(settings), errorClassifier(settings)]
  return result === undefined && error === undefined ? BY_DEFAULT : { result, error }
}

function resultClassifier({ recordResult, recordStatus, ignoreStatus }: CircuitBreakerSettings): Classifier['result'] {
  if (recordResult === undefined && recordStatus === undefined && ignoreStatus === undefined) return undefined
  return result => {
    if (result === null || result === undefined) return 'success'
    const status = guarded(statusOf, result)
    if (typeof status === 'number') {
      if (ignoreStatus !== undefined && listed(ignoreStatus, status)) return 'nothing'
      if (recordStatus !== undefined) return listed(recordStatus, status) ? 'failure' : 'success'
    }
    return recordResult !== undefined && says(recordResult, result, false) ? 'failure' : 'success'
  }
}

function errorClassifier({ recordException, ignoreException, recordErrors, ignoreErrors }: CircuitBreakerSettings): Classifier['error'] {
  if (recordException === undefined && ignoreException === undefined && recordErrors === undefined && ignoreErrors === undefined)
    return undefined
  const everything = recordException === undefined && recordErrors === undefined
  return error => {
    if (ignoreErrors !== undefined && guarded(isOneOf, ignoreErrors, error)) return 'nothing'
    if (ignoreException !== undefined && says(ignoreException, error, false)) return 'nothing'
    if (everything) return 'failure'
    if (recordErrors !== undefined && (guarded(isOneOf, recordErrors, error) ?? true)) return 'failure'
    return recordException !== undefined && says(recordException, error, true) ? 'failure' : 'success'
  }
}

/** `503`, `'503'` or `'5xx'`. */
export function listed(statuses: readonly (number | string)[], status: number): boolean {
  return statuses.some(s => (typeof s === 'string' && s.endsWith('xx') ? Math.floor(status / 100) === Number(s[0]) : Number(s) === status))
}

const statusOf = (result: unknown) => (result as { status?: unknown }).status

/** What a hook says of it. One that throws, or gives a promise although nobody can wait for it, is reported and says what the default does. */
function says<T>(hook: (value: T) => unknown, value: T, otherwise: boolean): boolean {
  return Boolean(askHook(hook, otherwise, value))
}
