/** Which ends of calls say that the callee has too much to do. */
import type { AdaptiveConcurrencySettings } from './options.ts'

export type DropTest = (error: unknown, result: unknown) => boolean

const TIMEOUTS = ['ERR_TIME_LIMIT', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'TimeoutError']
const OVERLOADED = [429, 503, 504]

export function dropTest({ isDrop, dropErrors }: AdaptiveConcurrencySettings): DropTest {
  if (isDrop !== undefined) return isDrop
  if (dropErrors !== undefined) return error => named(error, dropErrors)
  return error => named(error, TIMEOUTS) || OVERLOADED.includes(statusOf(error))
}

function named(error: unknown, names: readonly string[]): boolean {
  const { code, name, cause } = (error ?? {}) as { code?: unknown; name?: unknown; cause?: { code?: unknown; name?: unknown } }
  return [code, name, cause?.code, cause?.name].some(mark => typeof mark === 'string' && names.includes(mark))
}

function statusOf(error: unknown): number {
  const { status, statusCode, response } = (error ?? {}) as { status?: unknown; statusCode?: unknown; response?: { status?: unknown } }
  return Number(status ?? statusCode ?? response?.status)
}
