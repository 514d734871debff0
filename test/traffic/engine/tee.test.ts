/** A body read by several: each gets all of it in order, whoever pauses, turns away or comes late; what is too large is not kept and overruns nobody. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/testing/index.ts'
import { Tee } from '../../../src/traffic/engine/tee.ts'

function teeOf(max: number) {
  const told: string[] = []
  const clock = virtualClock()
  const source = { length: undefined, paused: false, cancelled: false, read() {}, pause: () => void (source.paused = true), resume: () => void (source.paused = false), cancel: () => void (source.cancelled = true) } // biome-ignore format: one line
  const tee = new Tee(source, max, {
    whole: chunks => void told.push(`whole ${chunks.flatMap(c => [...c]).join('')}`),
    notKept: () => void told.push('not kept'),
    giveUp: () => true,
  })
  tee.start({ clock, abandonedBodyTimeout: 1000 })
  const reader = () => {
    const got: number[] = []
    const state = { got, ended: 0, end: '', body: tee.reading(() => state.ended++) }
    state.body.read({
      data: chunk => void got.push(...chunk),
      end: () => (state.end += 'end'),
      error: error => (state.end += error),
    })
    return state
  }
  return { tee, source, told, reader, clock }
}

test('whatever its readers do, each gets every byte once and in order, then the end', () => {
  const act = fc.record({
    do: fc.constantFrom('chunk', 'join', 'pause', 'resume', 'leave'),
    who: fc.nat(3),
    size: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), fc.integer({ min: 0, max: 30 }), (acts, max) => {
      const { tee, source, told, reader } = teeOf(max)
      const readers = [reader()]
      const left = new Set<number>()
      let sent: number[] = []
      for (const { do: what, who, size } of acts) {
        const i = who % readers.length
        if (what === 'join' && sent.length <= max && !source.cancelled) readers.push(reader())
        if (what === 'pause' && !left.has(i)) readers[i]!.body.pause()
        if (what === 'resume' && !left.has(i)) readers[i]!.body.resume()
        if (what === 'leave' && !left.has(i)) {
          left.add(i)
          readers[i]!.body.cancel()
        }
        // A source may give one more chunk after it was told to pause, not many.
        if (what === 'chunk' && !source.paused && !source.cancelled) {
          const chunk = Array.from({ length: size }, (_, k) => sent.length + k)
          sent = [...sent, ...chunk]
          tee.data(Uint8Array.from(chunk))
        }
      }
      if (source.cancelled) {
        expect(left.size).toBe(readers.length)
        return
      }
      tee.end()
      for (const [i, r] of readers.entries()) {
        if (left.has(i)) continue
        r.body.resume()
        expect([r.got, r.end, r.ended]).toEqual([sent, 'end', 1])
      }
      expect(told).toEqual([sent.length > max ? 'not kept' : `whole ${sent.join('')}`])
    }),
  )
})

test('while it is kept nobody holds it up; then its slowest reader does', () => {
  const { tee, source, reader } = teeOf(3)
  const slow = reader()
  slow.body.pause()
  tee.data(Uint8Array.of(1, 2))
  expect(source.paused).toBe(false)
  tee.data(Uint8Array.of(3, 4))
  expect(source.paused).toBe(true)
  slow.body.resume()
  expect([slow.got, source.paused]).toEqual([[1, 2, 3, 4], false])
})

test('one that breaks breaks for all, and is not kept', () => {
  const { tee, told, reader } = teeOf(10)
  const [a, b] = [reader(), reader()]
  tee.data(Uint8Array.of(1))
  tee.error(new Error('cut'))
  expect([a.got, a.end, b.end, told]).toEqual([[1], 'Error: cut', 'Error: cut', ['not kept']])
})

test('one that takes too long is not kept: it is given up without a reader, and else goes on at their pace', () => {
  const alone = teeOf(10)
  alone.tee.data(Uint8Array.of(1))
  alone.clock.advance(1000)
  expect([alone.told, alone.source.cancelled]).toEqual([['not kept'], true])

  const read = teeOf(10)
  const slow = read.reader()
  read.tee.data(Uint8Array.of(1))
  slow.body.pause()
  read.clock.advance(1000)
  expect([read.told, read.source.cancelled, read.source.paused]).toEqual([['not kept'], false, true])
  slow.body.resume()
  read.tee.data(Uint8Array.of(2))
  read.tee.end()
  expect([slow.got, slow.end, read.told]).toEqual([[1, 2], 'end', ['not kept']])
})

test('the time of one that has ended, or was left, is not waited for', () => {
  for (const over of [(t: ReturnType<typeof teeOf>) => t.tee.end(), (t: ReturnType<typeof teeOf>) => t.reader().body.cancel()]) {
    const made = teeOf(10)
    over(made)
    const before = [...made.told]
    made.clock.advance(1000)
    expect(made.told).toEqual(before)
  }
})
