/**
 * One class per cause, told apart by a stable `code` and a brand that survives several copies of this library in one process.
 * Rejections (answers given without calling the callee) are made often when things go wrong, so they carry no stack trace.
 */

export type ErrorCode =
  | 'ERR_CIRCUIT_OPEN'
  | 'ERR_BULKHEAD_FULL'
  | 'ERR_RATE_LIMITED'
  | 'ERR_TIME_LIMIT'
  | 'ERR_FAULT_INJECTED'
  | 'ERR_OVERFLOW'
  | 'ERR_NO_HEALTHY_ENDPOINT'
  | 'ERR_SHEDDED'
  | 'ERR_RULES'
  | 'ERR_OPTIONS'
  | 'ERR_MAX_RETRIES'
  | 'ERR_HEDGE_LOST'

const BRAND: unique symbol = Symbol.for('meshless.error') as any
const REJECTION: unique symbol = Symbol.for('meshless.rejection') as any

/** What errors of this library have in common. */
export interface MeshlessErrorOptions {
  /** The policy that speaks, for the message and for logs. */
  policy?: string | undefined
  /** Milliseconds after which trying again makes sense. */
  retryAfter?: number | undefined
  /** The error behind this one. */
  cause?: unknown
}

const limited = Error as { stackTraceLimit?: number }

export abstract class MeshlessError extends Error {
  abstract readonly code: ErrorCode
  /** Name of the policy, when it has one. */
  readonly policy: string | undefined
  /** Milliseconds after which trying again makes sense; `undefined` when nobody can say. */
  readonly retryAfter: number | undefined

  constructor(message: string, options?: MeshlessErrorOptions) {
    super(message, options !== undefined && 'cause' in options ? { cause: options.cause } : undefined)
    this.policy = options?.policy
    this.retryAfter = options?.retryAfter
  }

  static {
    Object.defineProperty(MeshlessError.prototype, BRAND, { value: true })
  }
}

/** An answer given without calling the callee. */
abstract class Rejection extends MeshlessError {
  static {
    Object.defineProperty(Rejection.prototype, REJECTION, { value: true })
  }
}

/** The breaker is open, forced open, or has no half-open permit left. */
export class CircuitOpenError extends Rejection {
  override readonly name = 'CircuitOpenError'
  readonly code = 'ERR_CIRCUIT_OPEN'
}
/** All slots are taken, and the queue is full or the wait was too long. */
export class BulkheadFullError extends Rejection {
  override readonly name = 'BulkheadFullError'
  readonly code = 'ERR_BULKHEAD_FULL'
}
/** No permission within the time that may be waited. */
export class RateLimitedError extends Rejection {
  override readonly name = 'RateLimitedError'
  readonly code = 'ERR_RATE_LIMITED'
}
/** The work took longer than its time limit. The callee was reached, so this is no rejection. */
export class TimeLimitError extends MeshlessError {
  override readonly name = 'TimeLimitError'
  readonly code = 'ERR_TIME_LIMIT'
}
/** A fault that was asked for. */
export class FaultInjectedError extends Rejection {
  override readonly name = 'FaultInjectedError'
  readonly code = 'ERR_FAULT_INJECTED'
  /** The HTTP status the fault stands for. */
  readonly status: number | undefined
  /** The gRPC status it stands for, when it does. */
  readonly grpcStatus: number | undefined
  constructor(message: string, options?: MeshlessErrorOptions & { status?: number | undefined; grpcStatus?: number | undefined }) {
    super(message, options)
    this.status = options?.status
    this.grpcStatus = options?.grpcStatus
  }
}
/** One of Envoy's limits (connections, pending requests, requests, retries) is used up. */
export class OverflowError extends Rejection {
  override readonly name = 'OverflowError'
  readonly code = 'ERR_OVERFLOW'
}
/** Nobody to send to: no endpoint, or all ejected. */
export class NoHealthyEndpointError extends Rejection {
  override readonly name = 'NoHealthyEndpointError'
  readonly code = 'ERR_NO_HEALTHY_ENDPOINT'
}
/** Given up in favour of more important calls. */
export class SheddedError extends Rejection {
  override readonly name = 'SheddedError'
  readonly code = 'ERR_SHEDDED'
}
/** Why a try beside others was aborted: another one answered first. Seen only by the work, as its signal's reason. */
export class HedgeLostError extends MeshlessError {
  override readonly name = 'HedgeLostError'
  readonly code = 'ERR_HEDGE_LOST'
}
/** Options that cannot be used. Says where, what was expected, and how to mend it. */
export class OptionsError extends MeshlessError {
  override readonly name = 'OptionsError'
  readonly code = 'ERR_OPTIONS'
}

/**
 * True for every error of this library, whichever copy of it made the error.
 *
 * @example
 * const error = await timeLimiter({ timeoutDuration: 5 }).execute(() => new Promise(() => {})).catch(e => e)
 * console.log(isMeshlessError(error), error.code) // => true ERR_TIME_LIMIT
 */
export function isMeshlessError(error: unknown): error is MeshlessError {
  return typeof error === 'object' && error !== null && (error as any)[BRAND] === true
}

/**
 * True for what never reached the callee: such errors are no failures of the callee and are not retried by default.
 *
 * @example
 * const breaker = circuitBreaker()
 * breaker.forceOpen()
 * const error = await breaker.execute(call => fetch(url, { signal: call.signal })).catch(e => e)
 * console.log(isRejection(error), error.code) // => true ERR_CIRCUIT_OPEN
 */
export function isRejection(error: unknown): error is MeshlessError {
  return typeof error === 'object' && error !== null && (error as any)[REJECTION] === true
}

/**
 * Makes a rejection without the cost of a stack trace.
 *
 * @example
 * const error = reject(BulkheadFullError, 'no place in the pool')
 * console.log(isRejection(error), error.message) // => true no place in the pool
 */
export function reject<E extends MeshlessError, O extends MeshlessErrorOptions>(
  type: new (message: string, options?: O) => E,
  message: string,
  options?: O,
): E {
  const limit = limited.stackTraceLimit
  limited.stackTraceLimit = 0
  try {
    const error = new type(message, options)
    if (losesStack) error.stack = `${error.name}: ${message}`
    return error
  } finally {
    if (limit !== undefined) limited.stackTraceLimit = limit
  }
}

/** Whether an error without frames has no `stack` at all, as in Bun: what prints the stack would print nothing. */
const losesStack = /* @__PURE__ */ (() => {
  const limit = limited.stackTraceLimit
  limited.stackTraceLimit = 0
  const { stack } = new Error('probe')
  limited.stackTraceLimit = limit as number
  return stack === undefined
})()
