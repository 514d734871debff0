/** Rules change while calls run: no call notices, nothing that should be kept is lost, nothing is left behind. `npm run test:soak` does more of it. */
import { expect, test } from 'vitest'
import { changeUnderLoad } from './changes.ts'

const applies = Number(process.env['SOAK'] ?? 100)

test(`${applies} applies under load`, { timeout: 60_000 + 200 * applies }, async () => {
  const seen = await changeUnderLoad({ applies, lanes: 8 })
  expect(seen.failures).toEqual([])
  expect(seen.applied).toBe(applies)
  expect(seen.requests).toBeGreaterThan(applies)
  expect(seen.counted).toBe(seen.requests)
  expect(seen.stillEjected).toBe(true)
  expect([seen.connections, seen.timers]).toEqual([0, 0])
  // What stays does not grow once the history is full.
  const { 2: early = 0, [seen.retainedBytes.length - 1]: late = 0 } = seen.retainedBytes
  if (applies >= 500) {
    console.log(`${seen.requests} requests; retained MB ${seen.retainedBytes.map(bytes => (bytes / 1e6).toFixed(1)).join(' ')}`)
    expect(late).toBeLessThan(early * 1.25)
  }
})
