// A breaker for each host, made when the host is first called; the least recently used of many is forgotten.
import { circuitBreaker, keyed } from 'meshless/policies'

const perHost = keyed(
  call => call.host,
  host => circuitBreaker({ slidingWindowSize: 1, minimumNumberOfCalls: 1 }, { name: host }),
  { max: 500 },
)
const down = () => Promise.reject(new Error('down'))

await perHost.execute(down, { host: 'a.test' }).catch(() => {})
console.log(perHost.get('a.test').state) // => OPEN
console.log(await perHost.execute(async () => 'fine', { host: 'b.test' })) // => fine
console.log(perHost.stats.size) // => 2
