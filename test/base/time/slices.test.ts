import { describe, expect, test } from 'vitest'
import { nextTurn, runInSlices, runNow } from '../../../src/base/time/slices.ts'

function* count(to: number, tick: () => void) {
  for (let i = 0; i < to; i++) {
    tick()
    yield
  }
  return to
}

describe('work in slices', () => {
  test('gives the same result at once and in slices', async () => {
    expect(runNow(count(10, () => {}))).toBe(10)
    expect(await runInSlices(count(10, () => {}))).toBe(10)
  })

  test('pauses whenever a slice is used up, and not more often', async () => {
    let now = 0
    let pauses = 0
    await runInSlices(
      count(100, () => now++),
      10,
      () => now,
      async () => void pauses++,
    )
    expect(pauses).toBe(10)
  })

  test('lets others run between slices', async () => {
    const order: string[] = []
    setImmediate(() => order.push('other'))
    await runInSlices(
      count(2, () => order.push('work')),
      0,
    )
    expect(order).toEqual(['work', 'other', 'work'])
  })

  test('an error ends the work', async () => {
    function* broken() {
      yield
      throw new Error('no')
    }
    await expect(runInSlices(broken(), 0)).rejects.toThrow('no')
    await nextTurn()
  })
})
