/**
 * Traces of Resilience4j's SemaphoreBulkhead, and the tables of its ThreadPoolBulkhead that speak of a queue, through our bulkhead: the same slots,
 * waiting calls and events after every step. What differs is a bug of the peer, named below; a test fails when that list grows.
 */
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { BulkheadFullError } from '../../../src/core/errors.ts'
import { type Bulkhead, bulkhead, type Slot } from '../../../src/policies/bulkhead/index.ts'
import { namedInDocs, recorded, settled } from './recorded.ts'

const { semaphore, threadPool } = recorded('bulkhead.json.gz')

function listen(slots: Bulkhead): string[] {
  const heard: string[] = []
  slots.on('permitted', () => heard.push('CALL_PERMITTED'))
  slots.on('rejected', () => heard.push('CALL_REJECTED'))
  slots.on('finished', () => heard.push('CALL_FINISHED'))
  return heard
}

/** The first step that ours must not repeat, and why. */
function difference(trace: any): [from: number, why: string] | undefined {
  if (trace.tags?.includes('overRelease')) return [0, 'A6: giving back what was not taken makes slots']
  const blocked = trace.steps.findIndex((s: any) => s.op === 'changeConfig' && s.done === false)
  return blocked < 0 ? undefined : [blocked, 'E25: fewer slots block the one who asks for them']
}

async function replay(trace: any, end: number): Promise<void> {
  const { maxConcurrentCalls, maxWaitMs } = trace.config
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls, maxWaitDuration: maxWaitMs }, { clock })
  const heard = listen(slots)
  const held = new Map<number, Slot>()
  const waiting = new Map<number, AbortController>()
  const rejected = new Set<number>()
  const acquire = (id: number) => {
    const abort = new AbortController()
    waiting.set(id, abort)
    return slots.acquire({ signal: abort.signal }).then(
      slot => {
        waiting.delete(id)
        held.set(id, slot)
        return true
      },
      error => {
        waiting.delete(id)
        rejected.add(id)
        expect(error).toBeInstanceOf(abort.signal.aborted ? DOMException : BulkheadFullError)
        return false
      },
    )
  }
  for (const [i, step] of trace.steps.slice(0, end).entries()) {
    const where = `step ${i} ${step.op}`
    if (step.op === 'acquire') {
      const done = acquire(step.p ?? step.w ?? -1 - i)
      if (step.waitedFullMaxWait) await clock.advanceAsync(maxWaitMs)
      if (step.ok !== undefined) expect(await done, where).toBe(step.ok)
    } else if (step.op === 'complete') held.get(step.p)!.succeed()
    else if (step.op === 'release') held.get(step.p)!.release()
    else if (step.op === 'interrupt') waiting.get(step.w)!.abort()
    else if (step.op === 'changeConfig') slots.update({ maxConcurrentCalls: step.maxConcurrentCalls, maxWaitDuration: step.maxWaitMs })
    else throw new Error(`unknown op ${step.op}`)
    await settled()
    for (const { w, ok } of step.woken ?? []) expect([held.has(w), rejected.has(w)], where).toEqual([ok, !ok])
    const { availableConcurrentCalls, maxAllowedConcurrentCalls, queueDepth } = slots.metrics
    expect(
      { available: availableConcurrentCalls, max: maxAllowedConcurrentCalls, queued: queueDepth, ev: heard.splice(0).sort() },
      where,
    ).toEqual({ available: step.available, max: step.max, queued: step.queued, ev: [...step.ev].sort() })
  }
}

describe('bulkhead', () => {
  test('has all its traces', () => expect([semaphore.length, threadPool.length]).toEqual([42, 9]))
  test.each(semaphore as any[])('$id', (trace: any) => replay(trace, difference(trace)?.[0] ?? trace.steps.length))
  test('what differs is what the docs name, bug by bug', () => {
    const touching = (bug: string) =>
      semaphore
        .filter((t: any) => difference(t)?.[1].startsWith(bug))
        .map((t: any) => t.id)
        .sort()
    expect(touching('A6')).toEqual(namedInDocs('bulkhead.md', 'A6:'))
    expect(touching('E25')).toEqual(namedInDocs('bulkhead.md', 'E25:'))
    expect(semaphore.filter((t: any) => difference(t))).toHaveLength(7)
  })
})

/** Pools that never grow, or have no queue, are slots and a queue; how a pool grows has no meaning here. */
describe('thread pool', () => {
  const pools = threadPool.filter((p: any) => p.core === p.max || p.queue === 0)
  test('five of nine are slots and a queue', () => expect(pools).toHaveLength(5))
  test.each(pools as any[])('core $core, max $max, queue $queue', async (pool: any) => {
    const slots = bulkhead({ maxConcurrentCalls: pool.max, queueCapacity: pool.queue })
    const heard = listen(slots)
    const started: number[] = []
    const finish = new Map<number, () => void>()
    for (const { task, result, running, queueDepth, ev } of pool.submissions) {
      let error: unknown
      slots
        .execute(() => {
          started.push(task)
          return new Promise<void>(resolve => finish.set(task, resolve))
        })
        .catch(e => (error = e))
      await settled()
      expect(error instanceof BulkheadFullError ? 'BulkheadFullException' : 'accepted', `task ${task}`).toBe(result)
      expect([started, slots.metrics.queueDepth, heard.splice(0)]).toEqual([running, queueDepth, ev])
    }
    for (const { finish: task, starts, queueDepth, ev } of pool.drain) {
      const before = started.length
      finish.get(task)!()
      await settled()
      expect([started.slice(before), slots.metrics.queueDepth, heard.splice(0)], `after ${task}`).toEqual([starts, queueDepth, ev])
    }
    expect(started).toEqual(pool.startOrder)
  })
})
