/** Retry and hedge round an upstream: a further try goes to an endpoint that was not tried yet. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/time/random.ts'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { hedge, pipeline, retry } from '../../src/policies/index.ts'
import { upstream } from '../../src/traffic/upstream/factories/upstream.ts'

const endpoints = ['a', 'b', 'c', 'd'].map(address => ({ address }))

describe('endpoints', () => {
  test('every retry goes elsewhere, unless previous hosts may be asked again', async () => {
    const clock = virtualClock()
    for (let seed = 0; seed < 20; seed++) {
      const pool = upstream({ endpoints, loadBalancer: { simple: 'RANDOM' } }, { clock, random: seededRandom(seed) })
      const asked: string[] = []
      const work = async (call: any) => {
        asked.push(String(call.endpoint))
        throw new Error('down')
      }
      await pipeline(retry({ attempts: 1, waitDuration: 0 }, { clock }), pool)
        .execute(work)
        .catch(() => {})
      expect(new Set(asked).size).toBe(2)
      pool.close()
    }
    const pool = upstream({ endpoints: endpoints.slice(0, 1) }, { clock })
    const one: string[] = []
    const again = retry({ attempts: 2, waitDuration: 0, retryIgnorePreviousHosts: false }, { clock })
    await pipeline(again, pool)
      .execute(async (call: any) => {
        one.push(String(call.endpoint))
        throw new Error('down')
      })
      .catch(() => {})
    expect(one).toEqual(['a', 'a', 'a'])
    pool.close()
  })

  test('a hedge goes elsewhere than the tries beside it', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const clock = virtualClock()
      const pool = upstream({ endpoints, loadBalancer: { simple: 'RANDOM' } }, { clock, random: seededRandom(seed) })
      const asked: string[] = []
      const done = pipeline(hedge({ delay: 10 }, { clock }), pool).execute((call: any) => {
        asked.push(String(call.endpoint))
        return asked.length === 1 ? new Promise(() => {}) : 'ok'
      })
      await clock.advanceAsync(10)
      expect([await done, new Set(asked).size]).toEqual(['ok', 2])
      pool.close()
    }
  })
})
