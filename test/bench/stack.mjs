// Policies round an async function against a bare async wrapper.
import { bulkhead, circuitBreaker, pipeline, retry, timeLimiter } from '../../dist/policies.js'
import { perCall, printed, row } from './measure.mjs'

export default async function rows() {
  const fn = async () => 1
  const wrapper = async (...args) => await fn(...args)
  const four = pipeline(retry(), circuitBreaker(), timeLimiter(), bulkhead())
  const one = circuitBreaker()
  const t = await perCall({
    wrapper,
    clock: async () => {
      process.hrtime()
      return await fn()
    },
    four: () => four.execute(fn),
    one: () => one.execute(fn),
  })
  const times = name => `${(t[name] / t.wrapper).toFixed(2)}x (${Math.round(t[name])} ns)`
  return [
    row(
      'retry+circuitBreaker+timeLimiter+bulkhead round an async function',
      times('four'),
      '<= 2x a bare async wrapper',
      t.four <= 2 * t.wrapper,
    ),
    row('one circuitBreaker', times('one'), '<= 1.45x a bare async wrapper', t.one <= 1.45 * t.wrapper),
    row(
      'one look at the clock, of which a breaker needs two',
      `${Math.round(t.clock - t.wrapper)} ns beside ${Math.round(t.wrapper)} ns`,
      '',
    ),
  ]
}
await printed(rows, import.meta)
