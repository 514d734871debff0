/**
 * What a result or an error means to a breaker: a failure, a success, or nothing. Hooks and their data form meet here, once, when options
 * are read. A hook that throws is reported and the call counts as if there were no hook: a broken hook must not break calls or keep permits.
 */
import { report } from '../../core/events.ts'
import { isPromiseLike } from '../../core/next.ts'
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
    const status = statusOf(result)
    if (status !== undefined) {
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
    if (ignoreErrors !== undefined && says(named(ignoreErrors), error, false)) return 'nothing'
    if (ignoreException !== undefined && says(ignoreException, error, false)) return 'nothing'
    if (everything) return 'failure'
    if (recordErrors !== undefined && says(named(recordErrors), error, true)) return 'failure'
    return recordException !== undefined && says(recordException, error, true) ? 'failure' : 'success'
  }
}

function statusOf(result: unknown): number | undefined {
  try {
    const { status } = result as { status?: unknown }
    return typeof status === 'number' ? status : undefined
  } catch (error) {
    report(error)
    return undefined
  }
}

/** `503`, `'503'` or `'5xx'`. */
export function listed(statuses: readonly (number | string)[], status: number): boolean {
  return statuses.some(s => (typeof s === 'string' && s.endsWith('xx') ? Math.floor(status / 100) === Number(s[0]) : Number(s) === status))
}

/** By code or name, of the error or of its cause: `fetch` hides the system's code in a cause. */
const named = (names: readonly string[]) => (error: unknown) => {
  for (let e: any = error, depth = 0; typeof e === 'object' && e !== null && depth < 4; e = e.cause, depth++)
    if (names.includes(e.code) || names.includes(e.name)) return true
  return false
}

/** What a hook says of it. One that throws, or gives a promise although nobody can wait for it, is reported and says what the default does. */
function says<T>(hook: (value: T) => unknown, value: T, otherwise: boolean): boolean {
  try {
    const answer = hook(value)
    if (!isPromiseLike(answer)) return Boolean(answer)
    answer.then(undefined, report)
    throw new TypeError(`${hook.name || 'a hook'} of a circuit breaker gave a promise; expected true or false`)
  } catch (error) {
    report(error)
    return otherwise
  }
}
