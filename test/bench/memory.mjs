// Memory of 10,000 breakers with the default options, and again after each has answered 100 calls. `npm run bench:memory`; needs --expose-gc.
import { circuitBreaker } from '../../dist/policies.js'

const COUNT = 10_000
const BUDGET = 2048 // bytes each, DESIGN.md §10

const settled = async () => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await new Promise(setImmediate)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
circuitBreaker({}, { name: 'warm-up' }).tryAcquire().succeed()

const before = await settled()
const breakers = Array.from({ length: COUNT }, (_, i) => circuitBreaker({}, { name: `breaker ${i}` }))
const made = await settled()
for (const breaker of breakers) for (let i = 0; i < 100; i++) breaker.tryAcquire().succeed()
const used = await settled()

const each = bytes => Math.round((bytes - before) / COUNT)
console.log(`${COUNT} breakers: ${each(made)} bytes each when made, ${each(used)} after 100 calls (budget ${BUDGET})`)
process.exit(breakers.length === COUNT && each(used) <= BUDGET ? 0 : 1)
