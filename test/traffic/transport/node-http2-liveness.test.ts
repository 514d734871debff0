/** A connection that has gone silent is found by one ping, and a peer that is only slow is not disturbed by many. */
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { Liveness } from '../../../src/traffic/transport/node-http2-liveness.ts'

function watched(answers = true) {
  const clock = virtualClock()
  const self = {
    clock,
    waits: true,
    received: 0,
    pings: [] as number[],
    died: [] as string[],
    ping(answered: () => void) {
      self.pings.push(clock.now())
      if (!answers) return
      self.received += 17
      answered()
    },
    dead: (error: Error) => void self.died.push(error.message),
  }
  return { ...self, self, liveness: new Liveness(self, clock) }
}

describe('Liveness', () => {
  test('a silent peer that answers a ping is asked again after five minutes', () => {
    const { clock, self, liveness } = watched()
    liveness.watch()
    clock.advance(700_000)
    expect([self.pings, self.died]).toEqual([[30_000, 330_000, 630_000], []])
    liveness.stop()
    expect(clock.pending).toBe(0)
  })

  test('one that does not answer is dead', () => {
    const { clock, self, liveness } = watched(false)
    liveness.watch()
    clock.advance(44_999)
    expect(self.died).toEqual([])
    clock.advance(1)
    expect(self.died).toEqual(['the peer sent nothing for 15000 ms and did not answer a ping within 15000 ms'])
  })

  test('bytes that come in, or no request that waits: no ping', () => {
    const { clock, self, liveness } = watched(false)
    liveness.watch()
    for (let i = 0; i < 10; i++) {
      self.received++
      clock.advance(14_000)
    }
    self.waits = false
    clock.advance(60_000)
    expect([self.pings, clock.pending]).toEqual([[], 0])
    liveness.watch()
    expect(clock.pending).toBe(1)
  })
})
