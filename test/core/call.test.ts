import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Call } from '../../src/core/call.ts'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('an abort goes down to the parts, never up or sideways', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), fc.nat(), (parents, pick) => {
      const calls = [new Call(undefined)]
      const above = [-1]
      for (const p of parents) {
        above.push(p % calls.length)
        calls.push(calls[p % calls.length]!.child())
      }
      for (const call of calls) void call.signal
      const aborted = pick % calls.length
      calls[aborted]!.abort('why')
      calls.forEach((call, i) => {
        let at = i
        while (at !== -1 && at !== aborted) at = above[at]!
        expect([call.aborted, call.signal.aborted]).toEqual([at === aborted, at === aborted])
      })
    }),
  )
})

test('the caller’s reason is passed on, and its signal keeps no listener after the end', () => {
  const caller = new AbortController()
  const call = new Call({ signal: caller.signal })
  const part = call.child()
  expect(listeners(caller.signal)).toBe(0)
  const heard: unknown[] = []
  const off = part.onAbort(reason => heard.push(reason))
  expect(listeners(caller.signal)).toBe(1)
  off()
  expect(listeners(caller.signal)).toBe(0)
  part.onAbort(reason => heard.push(reason))
  caller.abort('gone')
  expect([heard, part.reason, part.abortedByCaller, listeners(caller.signal)]).toEqual([['gone'], 'gone', true, 0])
})

test('after the end nothing is aborted any more', () => {
  const caller = new AbortController()
  const call = new Call({ signal: caller.signal })
  const { signal } = call
  call.end()
  caller.abort()
  expect([signal.aborted, listeners(caller.signal)]).toEqual([false, 0])
})

describe('work left running', () => {
  test('belongs to its call and those it was made from, not to the next try', () => {
    const first = new Call(undefined)
    const second = first.again()
    const heard: string[] = []
    const firstEnds = first.leftRunning()
    first.afterWork(() => heard.push('first'))
    second.afterWork(() => heard.push('second'))
    expect(heard).toEqual(['second'])
    const secondEnds = second.leftRunning()
    first.afterWork(() => heard.push('both'))
    firstEnds()
    expect(heard).toEqual(['second', 'first'])
    secondEnds()
    first.afterWork(() => heard.push('nothing runs'))
    expect(heard).toEqual(['second', 'first', 'both', 'nothing runs'])
  })
})
