// A failure that is handed on without a throw looks like a promise that rejects to whoever does not know it.
import { expect, test } from 'vitest'
import { Call } from '../../src/core/call.ts'
import { link } from '../../src/core/layer.ts'
import { Failure } from '../../src/core/next.ts'
import { LinkedPolicy } from '../../src/core/policy.ts'
import { GOES_ON, type Step } from '../../src/core/step.ts'

const down = new Error('down')
const refusing: Step = { admit: () => new Failure(down), answered: (_call, _pass, value) => value, failed: () => GOES_ON }

test('it can be awaited, caught, and recovered from', async () => {
  await expect((async () => await new Failure(down))()).rejects.toBe(down)
  await expect(new Failure(down).then(() => 1)).rejects.toBe(down)
  expect(await new Failure(down).then(undefined, error => [error])).toEqual([down])
  await expect(
    new Failure(down).then(undefined, () => {
      throw new Error('other')
    }),
  ).rejects.toThrow('other')
  expect(await Promise.allSettled([new Failure(down)])).toEqual([{ status: 'rejected', reason: down }])
})

test('a step that refuses by one is not told of the call, those outside are', async () => {
  const told: string[] = []
  const noted = (name: string): Step => ({
    admit: () => undefined,
    answered: (_call, _pass, value) => value,
    failed: () => {
      told.push(name)
      return GOES_ON
    },
  })
  const policy = new LinkedPolicy('test', '', [noted('outer'), refusing, noted('inner')], () => ({ kind: 'test', name: '', options: {} }))
  await expect(policy.execute(() => told.push('work'))).rejects.toBe(down)
  expect(told).toEqual(['outer'])
})

test('what stands round a chain, or calls it itself, sees a throw', () => {
  expect(() => link([refusing], () => 1)(new Call(undefined))).toThrow(down)
  const layer = link([next => call => next(call), refusing], () => 1)
  expect(() => layer(new Call(undefined))).toThrow(down)
})

test('an outer step may answer instead, at once', () => {
  const instead: Step = { admit: () => undefined, answered: (_call, _pass, value) => value, failed: () => 'instead' }
  expect(link([instead, refusing], () => 1)(new Call(undefined))).toBe('instead')
})
