import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import type { ResolvedAddress } from '../../../src/core/resolver.ts'
import { watchName } from '../../../src/traffic/discovery/dns.ts'

const make = (answers: (readonly ResolvedAddress[] | Error)[], options: { respectTtl?: boolean; jitter?: number } = {}) => {
  const clock = virtualClock()
  const asked: number[] = []
  const got: string[] = []
  let settled = 0
  const resolver = {
    async resolve() {
      asked.push(clock.now())
      const answer = answers[Math.min(asked.length, answers.length) - 1]!
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  const stop = watchName(
    resolver,
    'a.test',
    { clock, random: () => 0.5, refresh: 60_000, jitter: options.jitter ?? 0, respectTtl: options.respectTtl ?? true },
    addresses => got.push(addresses.map(a => a.address).join()),
    () => settled++,
  )
  return { clock, asked, got, stop, settled: () => settled }
}

test('asks again when the shortest TTL is over, within bounds', async () => {
  const { clock, asked } = make([
    [
      { address: '1', ttl: 5000 },
      { address: '2', ttl: 3000 },
    ],
    [{ address: '1', ttl: 0 }],
    [{ address: '1', ttl: 1e9 }],
  ])
  await clock.advanceAsync(10_000_000)
  expect(asked).toEqual([0, 3000, 4000, 3_604_000, 7_204_000])
})

test('without TTL, or when it shall not count, at the refresh rate with jitter', async () => {
  const { clock, asked } = make([[{ address: '1', ttl: 5000 }]], { respectTtl: false, jitter: 100 })
  await clock.advanceAsync(130_000)
  expect(asked).toEqual([0, 60_050, 120_100])
})

test('a failure tells nobody of a change, settles once, and is tried again', async () => {
  const { clock, asked, got, settled } = make([new Error('SERVFAIL'), [{ address: '1' }], new Error('SERVFAIL')])
  await clock.advanceAsync(200_000)
  expect(asked).toEqual([0, 60_000, 120_000, 180_000])
  expect([got, settled()]).toEqual([['1'], 1])
})

test('stopped, it asks no more and leaves no timer', async () => {
  const { clock, asked, stop } = make([[{ address: '1' }]])
  await clock.advanceAsync(0)
  stop()
  expect(clock.pending).toBe(0)
  await clock.advanceAsync(200_000)
  expect(asked).toEqual([0])
})

test('a resolver that throws at once is a failed look-up', async () => {
  const clock = virtualClock()
  const bad = {
    resolve(): never {
      throw new Error('no')
    },
  }
  let settled = 0
  watchName(
    bad,
    'a',
    { clock, random: () => 0, refresh: 1000, jitter: 0, respectTtl: true },
    () => {},
    () => settled++,
  )
  await clock.advanceAsync(2500)
  expect(settled).toBe(1)
})

describe('a look-up without an answer', () => {
  const hanging = () => {
    const clock = virtualClock()
    const answers: ((addresses: readonly ResolvedAddress[]) => void)[] = []
    const signals: AbortSignal[] = []
    const got: string[] = []
    const settled: unknown[] = []
    const resolver = {
      resolve: (_name: string, { signal }: any) => {
        signals.push(signal)
        return new Promise<readonly ResolvedAddress[]>(resolve => answers.push(resolve))
      },
    }
    const stop = watchName(
      resolver,
      'a.test',
      { clock, random: () => 0, refresh: 60_000, jitter: 0, respectTtl: true },
      addresses => got.push(addresses.map(a => a.address).join()),
      error => settled.push((error as Error | undefined)?.message),
    )
    return { clock, answers, signals, got, settled, stop }
  }

  test('counts as failed after 10 s, is aborted, and is tried again', async () => {
    const { clock, answers, signals, settled, stop } = hanging()
    await clock.advanceAsync(9_999)
    expect([settled, signals[0]!.aborted]).toEqual([[], false])
    await clock.advanceAsync(1)
    expect([settled, signals[0]!.aborted]).toEqual([['no answer for a.test within 10000 ms'], true])
    await clock.advanceAsync(60_000)
    expect(answers.length).toBe(2)
    stop()
    expect([clock.pending, signals[1]!.aborted]).toEqual([0, true])
  })

  test('that comes late is taken, unless a later one had an answer', async () => {
    const { clock, answers, got } = hanging()
    await clock.advanceAsync(20_000)
    answers[0]!([{ address: '1.1.1.1' }])
    await clock.advanceAsync(60_000)
    answers[1]!([{ address: '2.2.2.2' }])
    await clock.advanceAsync(60_000)
    expect(answers.length).toBe(3)
    await clock.advanceAsync(70_000)
    answers[3]!([{ address: '4.4.4.4' }])
    await clock.advanceAsync(0)
    answers[2]!([{ address: '3.3.3.3' }])
    await clock.advanceAsync(0)
    expect(got).toEqual(['1.1.1.1', '2.2.2.2', '4.4.4.4'])
  })
})
