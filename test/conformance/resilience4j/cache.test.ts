/**
 * Resilience4j's CacheImpl, where it has a meaning here: the stores that work. Its own store fails on purpose in the other three scenarios;
 * ours is no foreign one and cannot. Differences on purpose: a supplier that fails is invoked once, not twice (and its error is not wrapped);
 * a hit on null is a hit, not a miss; its default store refuses null, which `cacheable` says here.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cache } from '../../../src/policies/index.ts'

const { scenarios } = JSON.parse(readFileSync(new URL('./cache.json', import.meta.url), 'utf8'))
const applicable = scenarios.filter((s: any) => s.store.startsWith('plain'))

test('has scenarios', () => expect([scenarios.length, applicable.length]).toEqual([5, 2]))

test.each<any>(applicable)('$store', async ({ store, calls }) => {
  const keepsNull = store !== 'plain'
  const policy = cache({ ttl: '1h', key: call => call.host, cacheable: result => keepsNull || result !== null })
  let events: string[] = []
  for (const type of ['hit', 'miss', 'error'] as const) policy.on(type, () => events.push(type))
  const kept = new Set<string>()
  for (const [n, call] of calls.entries()) {
    const where = `call ${n}`
    events = []
    let supplied = 0
    const outcome = await policy
      .execute(
        async () => {
          supplied++
          if (!call.supplier.startsWith('value:')) throw new Error(call.supplier)
          return call.supplier === 'value:null' ? null : call.supplier.slice('value:'.length)
        },
        { host: call.key },
      )
      .then(
        value => ({ value }),
        error => ({ error: 'RuntimeException', cause: error.message }),
      )
    const failed = call.outcome.error !== undefined
    expect(outcome, where).toEqual(call.outcome)
    expect(supplied, where).toBe(Math.min(call.supplierCalls, 1))
    expect(events, where).toEqual([call.supplierCalls === 0 ? 'hit' : 'miss', ...(failed ? ['error'] : [])])
    if (!failed && (keepsNull || call.outcome.value !== null)) kept.add(call.key)
    expect(policy.metrics.size, where).toBe(kept.size)
  }
})
