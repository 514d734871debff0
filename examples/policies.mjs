// Policies without a mesh: round any function, outermost first.
import { bulkhead, CircuitOpenError, circuitBreaker, fallback, pipeline, retry, timeLimiter } from 'meshless/policies'

let calls = 0
const flaky = async user => {
  calls++
  if (calls < 3) throw new Error('not yet')
  return `profile of ${user}`
}

const load = pipeline(
  retry({ attempts: 2, backoff: '1ms' }),
  timeLimiter({ timeoutDuration: '1s' }),
  bulkhead({ maxConcurrentCalls: 10 }),
).wrap(flaky)
console.log(await load('ada'), 'after', calls, 'calls') // => profile of ada after 3 calls

const breaker = circuitBreaker({ slidingWindowSize: 2, minimumNumberOfCalls: 2, waitDurationInOpenState: '30s' })
const guarded = pipeline(
  fallback(error => (error instanceof CircuitOpenError ? 'from the cache' : 'from the default')),
  breaker,
)
const down = () => Promise.reject(new Error('down'))
console.log(await guarded.execute(down)) // => from the default
console.log(await guarded.execute(down)) // => from the default
console.log(await guarded.execute(down), breaker.state) // => from the cache OPEN
