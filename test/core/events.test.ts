import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { Emitter } from '../../src/core/events.ts'

test('listeners hear until they are taken off, by hand or by signal', () => {
  const events = new Emitter<{ a: number }>('x', { a: 1 })
  const heard: number[] = []
  const aborter = new AbortController()
  const off = events.on('a', n => heard.push(n))
  events.on('a', n => heard.push(-n), { signal: aborter.signal })
  events.emit('a', 1)
  off()
  off()
  events.emit('a', 2)
  aborter.abort()
  events.emit('a', 3)
  expect([heard, events.listening, events.hears('a'), getEventListeners(aborter.signal, 'abort').length]).toEqual([
    [1, -1, -2],
    0,
    false,
    0,
  ])
})
test('one that throws is reported and disturbs no other', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const events = new Emitter<{ a: number }>('x', { a: 1 })
  let heard = 0
  events.on('a', () => {
    throw new Error('listener')
  })
  events.on('a', () => heard++)
  events.emit('a', 1)
  expect([heard, warn.mock.calls.length]).toEqual([1, 1])
  warn.mockRestore()
})

test('a listener that is none is refused', () => {
  expect(() => new Emitter<{ a: object }>('x', { a: 1 }).on('a', undefined as any)).toThrow('on("a"): the listener is not a function')
})
