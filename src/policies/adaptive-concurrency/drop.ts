/** Which ends of calls say that the callee has too much to do. */
import type { AdaptiveConcurrencySettings } from './options.ts'

/** Looks at the end of a call: its error when it failed, its result when it answered. */
export interface DropTest {
  error(error: unknown): boolean
  /** `undefined`: no result is a drop. */
  readonly result: ((result: unknown) => boolean) | undefined
}

const TIMEOUTS = ['ERR_TIME_LIMIT', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'TimeoutError']
const OVERLOADED = [429, 503, 504]

/** The data form says more than the hook: where it is given, it alone is asked. */
export function dropTest({ isDrop, dropErrors, dropStatus }: AdaptiveConcurrencySettings): DropTest {
  return {
    error:
      dropErrors !== undefined
        ? error => named(error, dropErrors)
        : isDrop !== undefined
          ? error => isDrop(error, undefined)
          : saysOverload,
    result:
      dropStatus !== undefined
        ? result => dropStatus.includes(statusOf(result))
        : isDrop !== undefined
          ? result => isDrop(undefined, result)
          : undefined,
  }
}

/** A timeout, or an error with a status that stands for too much load. */
function saysOverload(error: unknown): boolean {
  return named(error, TIMEOUTS) || OVERLOADED.includes(statusOf(error))
}

/** For HTTP, where an answer can say so, too. */
export function httpDrop(error: unknown, response: { readonly status: number } | undefined): boolean {
  return response === undefined ? saysOverload(error) : OVERLOADED.includes(response.status)
}

function named(error: unknown, names: readonly string[]): boolean {
  const { code, name, cause } = (error ?? {}) as { code?: unknown; name?: unknown; cause?: { code?: unknown; name?: unknown } }
  return [code, name, cause?.code, cause?.name].some(mark => typeof mark === 'string' && names.includes(mark))
}

function statusOf(error: unknown): number {
  const { status, statusCode, response } = (error ?? {}) as { status?: unknown; statusCode?: unknown; response?: { status?: unknown } }
  return Number(status ?? statusCode ?? response?.status)
}
