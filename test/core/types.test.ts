/** What the type system must refuse and allow; `tsc` is the judge, the expectations only keep the file honest at run time. */
import { expect, test } from 'vitest'
import { circuitBreaker, fallback, pipeline, retry } from '../../src/policies/index.ts'

const picky = () => circuitBreaker<string>({ recordResult: text => text.length > 3 })

test('a hook’s type reaches execute, through any number of policies', async () => {
  const guard = pipeline(retry(), picky())
  expect(await guard.execute(() => 'abc')).toBe('abc')
  // @ts-expect-error the hook accepts only texts
  await guard.execute(() => 1)
  // @ts-expect-error also without a pipeline
  await picky().execute(() => 1)
})

test('a hook that cannot accept what an inner policy may answer is refused', () => {
  // @ts-expect-error the fallback may answer a number, the hook accepts only texts
  expect(pipeline(picky(), fallback(3)).kind).toBe('pipeline')
  expect(pipeline(fallback(3), picky()).kind).toBe('pipeline')
})
