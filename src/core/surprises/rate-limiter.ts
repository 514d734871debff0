/** What surprises about the place of a rate limiter. */
import { number } from './index.ts'
import { waiting } from './waiting.ts'

export const rateLimiterSurprises = /* @__PURE__ */ waiting('rateLimiter', 'timeoutDuration', [
  {
    outer: ['bulkhead'],
    inner: ['rateLimiter'],
    why(_, inner) {
      const wait = number(inner, 'timeoutDuration')
      return wait > 0 && `a call holds its slot while it waits up to ${wait} ms`
    },
  },
  { outer: ['rateLimiter'], inner: ['retry'], why: 'a call takes one permission, its retries none' },
])
