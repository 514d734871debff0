import { expect, test } from 'vitest'
import { CircuitOpenError, isMeshlessError, isRejection, OptionsError, reject, TimeLimitError } from '../../src/core/errors.ts'

test('a rejection has its code, policy and wait, and costs no stack', () => {
  const before = Error.stackTraceLimit
  const error = reject(CircuitOpenError, 'open', { policy: 'b', retryAfter: 5 })
  expect([error.code, error.policy, error.retryAfter, error.stack]).toEqual(['ERR_CIRCUIT_OPEN', 'b', 5, 'CircuitOpenError: open'])
  expect(Error.stackTraceLimit).toBe(before)
})
test('only what never reached the callee is a rejection', () => {
  expect(isRejection(new CircuitOpenError('x'))).toBe(true)
  expect([new TimeLimitError('x'), new OptionsError('x'), new Error('x'), null, 'x'].map(isRejection)).toEqual(Array(5).fill(false))
})
test('another copy of the library is recognised by its brand', () => {
  expect(isMeshlessError({ [Symbol.for('meshless.error')]: true })).toBe(true)
})
