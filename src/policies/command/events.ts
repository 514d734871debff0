/** What can happen to a command, in Hystrix's words and order. */

export const EVENT_TYPES = [
  'EMIT',
  'SUCCESS',
  'FAILURE',
  'TIMEOUT',
  'BAD_REQUEST',
  'SHORT_CIRCUITED',
  'THREAD_POOL_REJECTED',
  'SEMAPHORE_REJECTED',
  'FALLBACK_EMIT',
  'FALLBACK_SUCCESS',
  'FALLBACK_FAILURE',
  'FALLBACK_REJECTION',
  'FALLBACK_DISABLED',
  'FALLBACK_MISSING',
  'EXCEPTION_THROWN',
  'RESPONSE_FROM_CACHE',
  'CANCELLED',
  'COLLAPSED',
] as const
export type CommandEventType = (typeof EVENT_TYPES)[number]

/** Why a command failed, in Hystrix's words. */
export type FailureType =
  | 'COMMAND_EXCEPTION'
  | 'TIMEOUT'
  | 'SHORTCIRCUIT'
  | 'REJECTED_THREAD_EXECUTION'
  | 'REJECTED_SEMAPHORE_EXECUTION'
  | 'REJECTED_SEMAPHORE_FALLBACK'

const REJECTION: unique symbol = Symbol.for('meshless.rejection') as any
const NEVER_CALLED: readonly FailureType[] = ['SHORTCIRCUIT', 'REJECTED_THREAD_EXECUTION', 'REJECTED_SEMAPHORE_EXECUTION']

/** A command failed and had no fallback that helped: Hystrix's HystrixRuntimeException. `cause` is what went wrong first. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code = 'ERR_COMMAND'
  /** Name of the command. */
  readonly command: string
  readonly failureType: FailureType
  /** What the fallback threw; `undefined` when it threw nothing. */
  readonly fallbackError: unknown
  /** ms after which trying again makes sense, when the cause says so. */
  readonly retryAfter: number | undefined

  constructor(message: string, details: { command: string; failureType: FailureType; cause: unknown; fallbackError?: unknown }) {
    super(message, { cause: details.cause })
    this.command = details.command
    this.failureType = details.failureType
    this.fallbackError = details.fallbackError
    this.retryAfter = (details.cause as { retryAfter?: number } | undefined)?.retryAfter
    // What never reached the callee is a rejection, for the policies further out.
    if (NEVER_CALLED.includes(details.failureType)) Object.defineProperty(this, REJECTION, { value: true })
  }
}

const BAD_REQUEST: unique symbol = Symbol.for('meshless.bad-request') as any

/** Thrown by a command's work for an error of its caller: no failure, no fallback. Hystrix's HystrixBadRequestException. */
export class BadRequestError extends Error {
  override readonly name: string = 'BadRequestError'

  constructor(message?: string, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, BAD_REQUEST, { value: true })
  }
}

/** True whichever copy of the library made the error. */
export const isBadRequestError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as any)[BAD_REQUEST] === true
