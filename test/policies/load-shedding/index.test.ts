/** The load shedder in front of a limit: who passes, what is told, what is left behind. */
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { isRejection, SheddedError } from '../../../src/core/errors.ts'
import { pipeline } from '../../../src/core/pipeline.ts'
import { adaptiveConcurrency } from '../../../src/policies/adaptive-concurrency/index.ts'
import { bulkhead } from '../../../src/policies/bulkhead/index.ts'
import { type LoadShedderEvents, loadShedder, PRIORITY } from '../../../src/policies/load-shedding/index.ts'
import { expectNothingLeft } from '../leaks.ts'

test('the fuller the limit, the more important a call must be; a critical one is refused by the limit alone', async () => {
  const clock = virtualClock()
  const slots = bulkhead({ maxConcurrentCalls: 10 }, { clock })
  const guard = pipeline(loadShedder(slots, {}, { clock }), slots)
  const outcome = (priority: number) =>
    guard
      .execute(() => 'ran', { priority })
      .then(
        () => 'ran',
        e => e.code,
      )
  const classes = Object.values(PRIORITY)
  const rows: string[][] = []
  for (let used = 0; used <= 10; used++) {
    rows.push(await Promise.all(classes.map(outcome)))
    slots.tryAcquire()
  }
  const passes = rows.map(row => row.filter(code => code === 'ran').length)
  expect(passes).toEqual([5, 5, 5, 5, 5, 5, 5, 5, 4, 2, 0])
  expect(rows[10]).toEqual(['ERR_BULKHEAD_FULL', ...Array(4).fill('ERR_SHEDDED')])
})

test('calls that wait too long raise the pressure interval by interval; an idle time takes it away', () => {
  const clock = virtualClock()
  let delay = 50
  const shedder = loadShedder({ utilisation: () => 0, queueDelay: () => delay }, { step: 0.25 }, { clock })
  const cutoffs: number[] = []
  for (let i = 0; i < 6; i++) {
    shedder.admits(0)
    cutoffs.push(shedder.metrics.cutoff)
    clock.advance(100)
  }
  expect(cutoffs).toEqual([499, 374.25, 249.5, 124.75, 0, 0])
  delay = 0
  shedder.admits(0)
  clock.advance(1000)
  expect([shedder.metrics.cutoff, shedder.metrics.pressure]).toEqual([499, 0])
})

test('says why, tells its listeners, counts, and is a rejection', async () => {
  const clock = virtualClock()
  const adaptive = adaptiveConcurrency({ algorithm: 'settable', limit: 4 }, { clock })
  const shedder = loadShedder(adaptive, { shedFrom: 0.5 }, { clock, name: 'front' })
  const heard: LoadShedderEvents['shedded'][] = []
  shedder.on('shedded', e => heard.push(e))
  for (let i = 0; i < 3; i++) adaptive.tryAcquire()
  const error = await shedder.execute(() => 1, { priority: 400 }).catch(e => e)
  expect(error).toBeInstanceOf(SheddedError)
  expect([isRejection(error), error.message]).toEqual([
    true,
    'load shedder front: priority 400 is shed, at most 249 passes: 75 % of the limit in use, calls wait 0 ms',
  ])
  expect(heard).toEqual([{ priority: 400, cutoff: 249.5, utilisation: 0.75, queueDelayMs: 0 }])
  expect(await shedder.execute(() => 1, { priority: 249 })).toBe(1)
  expect(shedder.metrics).toEqual({
    cutoff: 249.5,
    utilisation: 0.75,
    pressure: 0,
    numberOfAdmittedCalls: 1,
    numberOfSheddedCalls: 1,
  })
  shedder.update({ shedFrom: 0.8 })
  expect(await shedder.execute(() => 2, { priority: 400 })).toBe(2)
  expect(shedder.describe().options).toMatchObject({ shedFrom: 0.8, lowestPriority: 499 })
  expectNothingLeft(clock)
})

test('the priority may come from the call; a hook that throws leaves the call its own', async () => {
  const full = () => 1
  const byContext = loadShedder(full, { priority: call => (call.context as any).rank })
  await expect(byContext.execute(() => 1, { context: { rank: 5 } })).rejects.toBeInstanceOf(SheddedError)
  expect(await byContext.execute(() => 1, { context: { rank: 0 } })).toBe(1)
  const warned = new Promise<Error>(resolve => process.once('warning', resolve))
  expect(await byContext.execute(() => 2)).toBe(2)
  expect((await warned).message).toContain('rank')
})

test('without a limit to look at it is refused', () => {
  expect(() => loadShedder(undefined as any)).toThrow(/^loadShedder: expected a limit to look at first/)
  expect(() => loadShedder({ shedFrom: 0.5 } as any)).toThrow(/^loadShedder: expected a limit to look at first/)
})
