import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WireBody } from '../../../src/core/transport.ts'
import { RecordedBody, repeatable } from '../../../src/traffic/engine/recorded-body.ts'

/** A stream that can be opened once, and remembers whether it was. */
function once(chunks: readonly Uint8Array[], failAt = Infinity): WireBody {
  let opened = false
  return {
    length: undefined,
    open() {
      if (opened) return undefined
      opened = true
      return (async function* () {
        for (const [i, chunk] of chunks.entries()) {
          if (i === failAt) throw new Error('broken')
          yield chunk
        }
      })()
    },
  }
}
const bytes = (...lengths: number[]) => lengths.map((n, i) => new Uint8Array(n).fill(i + 1))
async function read(iterator: AsyncIterator<Uint8Array>, most = Infinity): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < most; i++) {
    const { done, value } = await iterator.next()
    if (done) break
    all.push(...value)
  }
  return all
}

describe('a recorded body', () => {
  test('any tries that stop anywhere and the last one that reads all see the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 8 }),
        fc.array(fc.nat(9), { maxLength: 4 }),
        async (sizes, stops) => {
          const chunks = bytes(...sizes)
          const expected = chunks.flatMap(c => [...c])
          const body = new RecordedBody(once(chunks), 1000, () => expect.unreachable())
          for (const stop of stops) {
            const part = await read(body.open()!, stop)
            expect(part).toEqual(expected.slice(0, part.length))
          }
          expect(await read(body.open()!)).toEqual(expected)
          expect(body.whole).toBe(true)
        },
      ),
    )
  })

  test('a try that was given up in the middle of a step loses nothing for the next', async () => {
    let give: (chunk: Uint8Array) => void = () => {}
    let steps = 0
    const source: WireBody = {
      length: undefined,
      open: () => ({
        next: () =>
          ++steps > 2
            ? Promise.resolve({ done: true, value: undefined })
            : new Promise(resolve => {
                give = value => resolve({ done: false, value })
              }),
      }),
    }
    const body = new RecordedBody(source, 1000, () => {})
    const lost = body.open()!.next()
    const second = body.open()!
    const first = second.next()
    give(new Uint8Array([7]))
    expect([(await lost).value, (await first).value]).toEqual([new Uint8Array([7]), new Uint8Array([7])])
    const next = second.next()
    give(new Uint8Array([8]))
    expect((await next).value).toEqual(new Uint8Array([8]))
    expect((await second.next()).done).toBe(true)
  })

  test('beyond the limit the try that sends goes on, and no other may begin', async () => {
    let abandoned = 0
    const body = new RecordedBody(once(bytes(4, 4, 4)), 8, () => abandoned++)
    const iterator = body.open()!
    expect(await read(iterator, 2)).toHaveLength(8)
    expect([body.whole, abandoned]).toEqual([true, 0])
    expect(await read(iterator)).toHaveLength(4)
    expect([body.whole, abandoned, body.open()]).toEqual([false, 1, undefined])
  })

  test('a stream that breaks cannot be sent again', async () => {
    const body = new RecordedBody(once(bytes(1, 1), 1), 100, () => {})
    await expect(read(body.open()!)).rejects.toThrow('broken')
    expect(repeatable(body, 100)).toBe(false)
  })
})

test('bytes are repeatable up to the limit, a plain stream is not, no body is', () => {
  expect(repeatable(undefined, 0)).toBe(true)
  expect(repeatable({ bytes: new Uint8Array(8), length: 8 }, 8)).toBe(true)
  expect(repeatable({ bytes: new Uint8Array(9), length: 9 }, 8)).toBe(false)
  expect(repeatable(once([]), 8)).toBe(false)
})
