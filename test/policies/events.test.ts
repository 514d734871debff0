/** A name that no event has is refused, with those there are: a listener that never hears anything is found out late. */
import { expect, test } from 'vitest'
import { connectionPool, createMesh, OptionsError, outlierDetector, upstream } from '../../src/index.ts'
import * as policies from '../../src/policies/index.ts'

const KINDS: Record<string, () => { on(type: any, listener: any): unknown }> = {
  circuitBreaker: policies.circuitBreaker,
  bulkhead: policies.bulkhead,
  rateLimiter: policies.rateLimiter,
  retry: policies.retry,
  timeLimiter: policies.timeLimiter,
  hedge: policies.hedge,
  cache: policies.cache,
  adaptiveConcurrency: policies.adaptiveConcurrency,
  faultInjector: policies.faultInjector,
  fallback: () => policies.fallback(null),
  loadShedder: () => policies.loadShedder(() => 0),
  collapse: () => policies.collapse(async (ids: readonly number[]) => ids),
  'command x': () => policies.command('x', async () => 1),
  registry: policies.registry,
  connectionPool,
  outlierDetector: () => outlierDetector({}, { hosts: [] }),
  upstream: () => upstream({ endpoints: [] }),
  mesh: createMesh,
}

function refusal(given: () => unknown): unknown {
  try {
    return given()
  } catch (error) {
    return error
  }
}

test.each(Object.entries(KINDS))('%s', (what, make) => {
  const observed = make()
  const error = refusal(() => observed.on('nonsense', () => {})) as OptionsError
  expect(error).toBeInstanceOf(OptionsError)
  const [, names] = /^(.*)\.on: there is no event "nonsense"; there are (.*)$/.exec(error.message)!.slice(1)
  expect(error.message.startsWith(`${what}.on: `)).toBe(true)
  for (const name of names!.split(', ')) observed.on(name, () => {})
})

test('what exists under another name is suggested; what every object has is no event', () => {
  expect(refusal(() => policies.circuitBreaker().on('transitions' as any, () => {}))).toMatchObject({
    code: 'ERR_OPTIONS',
    message: expect.stringContaining('there is no event "transitions" (did you mean transition?); there are success, error, ignored, '),
  })
  expect(refusal(() => policies.retry().on('toString' as any, () => {}))).toBeInstanceOf(OptionsError)
})

test('a registry forwards an event from the kinds that have it', async () => {
  const all = policies.registry()
  const heard: string[] = []
  all.bulkhead('a')
  all.on('permitted', ({ entry }) => heard.push(entry.kind))
  all.circuitBreaker('b')
  const guard = policies.pipeline(all.circuitBreaker('b'), all.bulkhead('a'), all.rateLimiter('c'))
  await guard.execute(async () => 1)
  expect(heard.sort()).toEqual(['bulkhead', 'rateLimiter'])
})
