/** Envoy's multi_connection_base_impl (300 ms, the next at once after a failure, the first that connects wins) and happy_eyeballs_connection_impl (order). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { interleaved, race } from '../../../src/traffic/transport/happy-eyeballs.ts'

/** What an address does, so many ms after it is tried; `undefined`: nothing ever. */
type Does = { readonly connects: number } | { readonly fails: number } | undefined

function raced(addresses: readonly Does[], until = 100_000) {
  const clock = virtualClock()
  const log: string[] = []
  const say = (text: string) => log.push(`${clock.now()} ${text}`)
  const dropped = new Set<number>()
  const stop = race<number>(
    addresses.length,
    {
      begin(nth, connected, failed) {
        say(`begin ${nth}`)
        const does = addresses[nth]
        if (does !== undefined)
          clock.schedule('connects' in does ? does.connects : does.fails, () => {
            if (dropped.has(nth)) return
            if ('connects' in does) connected()
            else failed(new Error(`${nth} failed`))
          })
        return nth
      },
      drop(nth) {
        dropped.add(nth)
        say(`drop ${nth}`)
      },
      won: nth => say(`won ${nth}`),
      lost: error => say(`lost: ${error.message}`),
    },
    clock,
  )
  clock.advance(until)
  return { log, stop, clock }
}

describe('race', () => {
  test('one address alone', () => {
    expect(raced([{ connects: 5000 }]).log).toEqual(['0 begin 0', '5000 won 0'])
    expect(raced([{ fails: 5 }]).log).toEqual(['0 begin 0', '5 lost: 0 failed'])
  })
  test('a quick first address is the only one that is asked', () => {
    expect(raced([{ connects: 299 }, { connects: 1 }]).log).toEqual(['0 begin 0', '299 won 0'])
  })
  test('a slow one goes on beside the next, and may still win', () => {
    expect(raced([{ connects: 350 }, { connects: 100 }]).log).toEqual(['0 begin 0', '300 begin 1', '350 drop 1', '350 won 0'])
    expect(raced([{ connects: 450 }, { connects: 100 }]).log).toEqual(['0 begin 0', '300 begin 1', '400 drop 0', '400 won 1'])
  })
  test('one that fails makes room at once, and the next has 300 ms of its own', () => {
    expect(raced([{ fails: 10 }, undefined, { connects: 1 }]).log).toEqual([
      '0 begin 0',
      '10 begin 1',
      '310 begin 2',
      '311 drop 1',
      '311 won 2',
    ])
  })
  test('all must fail; the last failure is told', () => {
    expect(raced([{ fails: 900 }, { fails: 10 }]).log).toEqual(['0 begin 0', '300 begin 1', '900 lost: 0 failed'])
  })
  test('given up, nothing follows', () => {
    const { log, stop, clock } = raced([undefined, undefined, { connects: 1 }], 400)
    stop()
    clock.advance(10_000)
    expect(log).toEqual(['0 begin 0', '300 begin 1', '400 drop 0', '400 drop 1'])
  })
  test('against a model that only knows times', () => {
    const does = fc.oneof(
      fc.record({ connects: fc.integer({ min: 1, max: 999 }) }),
      fc.record({ fails: fc.integer({ min: 1, max: 999 }) }),
      fc.constant(undefined),
    )
    fc.assert(
      fc.property(fc.array(does, { minLength: 1, maxLength: 6 }), addresses => {
        const { log } = raced(addresses)
        const model = modelled(addresses)
        fc.pre(model !== undefined)
        const { begun, end } = model!
        const firstOf = (word: string) => log.filter(l => l.split(' ')[1] === word).map(l => Number(l.split(' ')[0]))
        expect(firstOf('begin')).toEqual(begun)
        const ends = log.filter(l => / won | lost/.test(l))
        expect(ends.map(l => Number(l.split(' ')[0]))).toEqual(end === undefined ? [] : [end])
      }),
    )
  })
})

/** Walks through time ms by ms: when attempts begin, and when the race is decided. Two events in one ms: `undefined`, as it says nothing of their order. */
function modelled(addresses: readonly Does[]): { begun: number[]; end: number | undefined } | undefined {
  const begun = [0]
  for (let now = 1; now < 10_000; now++) {
    const due = begun.flatMap((at, i) => (addresses[i] !== undefined && at + after(addresses[i]!) === now ? [addresses[i]!] : []))
    const more = begun.length < addresses.length
    const itsTurn = more && begun.at(-1)! + 300 === now
    if (due.length + Number(itsTurn) > 1) return undefined
    if (due.some(does => 'connects' in does)) return { begun, end: now }
    if (more && (itsTurn || due.length > 0)) begun.push(now)
    const allFailed = begun.every((at, i) => addresses[i] !== undefined && at + after(addresses[i]!) <= now)
    if (begun.length === addresses.length && allFailed) return { begun, end: now }
  }
  return { begun, end: undefined }
}
const after = (does: NonNullable<Does>): number => ('connects' in does ? does.connects : does.fails)

describe('interleaved', () => {
  test('the families in turn, the first one first', () => {
    expect(interleaved(['[::1]:1', '[::2]:1', '1.1.1.1:1', '2.2.2.2:1', '[::3]:1'])).toEqual([
      '[::1]:1',
      '1.1.1.1:1',
      '[::2]:1',
      '2.2.2.2:1',
      '[::3]:1',
    ])
    expect(interleaved(['1.1.1.1:1', '2.2.2.2:1', '3.3.3.3:1', '[::1]:1'])).toEqual(['1.1.1.1:1', '[::1]:1', '2.2.2.2:1', '3.3.3.3:1'])
    expect(interleaved(['1.1.1.1:1', '2.2.2.2:1'])).toEqual(['1.1.1.1:1', '2.2.2.2:1'])
  })
})
