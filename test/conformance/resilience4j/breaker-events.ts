/** Everything a breaker says, in the order and spelling of Resilience4j's event log: recordings and the peer's model are compared with it. */
import type { CircuitBreaker } from '../../../src/index.ts'

export function listen(breaker: CircuitBreaker): string[] {
  const heard: string[] = []
  breaker.on('success', () => heard.push('SUCCESS'))
  breaker.on('error', () => heard.push('ERROR'))
  breaker.on('ignored', () => heard.push('IGNORED_ERROR'))
  breaker.on('notPermitted', () => heard.push('NOT_PERMITTED'))
  breaker.on('reset', () => heard.push('RESET'))
  breaker.on('failureRateExceeded', ({ rate }) => heard.push(`FAILURE_RATE_EXCEEDED:${rate}`))
  breaker.on('slowCallRateExceeded', ({ rate }) => heard.push(`SLOW_CALL_RATE_EXCEEDED:${rate}`))
  breaker.on('transition', ({ from, to }) => heard.push(`STATE_TRANSITION:${from}>${to}`))
  return heard
}
