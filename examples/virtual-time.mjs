// Time in tests: a virtual clock moves a breaker through a minute in no time.
import { circuitBreaker } from 'meshless/policies'
import { virtualClock } from 'meshless/testing'

const clock = virtualClock()
const breaker = circuitBreaker(
  { slidingWindowSize: 4, minimumNumberOfCalls: 4, waitDurationInOpenState: '60s', permittedNumberOfCallsInHalfOpenState: 1 },
  { clock },
)
breaker.on('transition', e => console.log(`${clock.now() / 1000} s: ${e.from} -> ${e.to}`))

for (let i = 0; i < 4; i++) await breaker.execute(() => Promise.reject(new Error('down'))).catch(() => {})
// => 0 s: CLOSED -> OPEN
clock.advance(60_001)
await breaker.execute(async () => 'well again')
// => 60.001 s: OPEN -> HALF_OPEN
// => 60.001 s: HALF_OPEN -> CLOSED
