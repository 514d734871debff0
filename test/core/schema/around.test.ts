/** The last argument of every factory is read like options: nothing in it is passed over in silence. */
import { expect, test } from 'vitest'
import { OptionsError } from '../../../src/core/errors.ts'
import { connectionPool, loadBalancer, outlierDetector, upstream as rootUpstream, weightedRouter } from '../../../src/index.ts'
import {
  adaptiveConcurrency,
  bulkhead,
  cache,
  circuitBreaker,
  collapse,
  command,
  fallback,
  faultInjector,
  hedge,
  keyed,
  loadShedder,
  rateLimiter,
  registry,
  retry,
  timeLimiter,
} from '../../../src/policies/index.ts'
import { virtualClock } from '../../../src/testing/index.ts'

const endpoints = [{ address: '10.0.0.1:80' }]
const named: [string, (around?: any) => { readonly name: string }][] = [
  ['adaptiveConcurrency', around => adaptiveConcurrency({}, around)],
  ['bulkhead', around => bulkhead({}, around)],
  ['cache', around => cache({}, around)],
  ['circuitBreaker', around => circuitBreaker({}, around)],
  ['connectionPool', around => connectionPool({}, around)],
  ['collapse', around => collapse(async () => [], {}, around).describe()],
  ['fallback', around => fallback(1, {}, around)],
  ['faultInjector', around => faultInjector({}, around)],
  ['hedge', around => hedge({}, around)],
  ['loadShedder', around => loadShedder(() => 0, {}, around)],
  ['rateLimiter', around => rateLimiter({}, around)],
  ['retry', around => retry({}, around)],
  ['timeLimiter', around => timeLimiter({}, around)],
  ['upstream', around => rootUpstream({ endpoints }, around)],
  ['weightedRouter', around => weightedRouter([{ destination: { host: 'a' } }], around)],
]
const all: [string, (around?: any) => unknown][] = [
  ...named,
  ['loadBalancer', around => loadBalancer({}, typeof around === 'object' ? { endpoints, ...around } : around)],
  ['outlierDetector', around => outlierDetector({}, around)],
]

test.each(named)('%s takes a name, and without one has none', (_what, make) => {
  expect(make({ name: 'users' }).name).toBe('users')
  expect(make({ name: undefined }).name).toBe('')
  expect(make().name).toBe('')
})

test.each(all)('%s says what is wrong with its last argument', (what, make) => {
  const says = (around: unknown, message: string) => {
    expect(() => make(around)).toThrow(OptionsError)
    expect(() => make(around)).toThrow(`${what}: last argument: ${message}`)
  }
  says('users', '"users" is not an object (expected fields such as ')
  says(Date, 'a function is not an object')
  if (what !== 'weightedRouter') {
    says({ clock: Date }, 'clock: a function is not an object with now, wall, schedule (such as virtualClock())')
    says({ clok: virtualClock() }, 'clok: unknown option (did you mean clock?)')
  }
  says({ random: 5 }, 'random: 5 is not a function')
  if (named.some(([one]) => one === what)) {
    says({ nam: 'x' }, 'nam: unknown option (did you mean name?)')
    says({ name: 5 }, 'name: 5 is not a text')
    says({ name: 5, random: 1 }, 'name: 5 is not a text; random: 1 is not a function')
  }
})

test('what only one of them knows is known to that one', () => {
  expect(() => bulkhead({}, { restore: {} } as any)).toThrow('bulkhead: last argument: restore: unknown option')
  expect(() => circuitBreaker({}, { restore: null as any })).toThrow('restore: not a state saved by toJSON')
  expect(() => weightedRouter([{ destination: { host: 'a' } }], { by: 'user' as any })).toThrow('by: "user" is not a function')
  expect(() => rootUpstream({ endpoints }, { transport: {} as any })).toThrow('transport: {} is not an object with connect')
  expect(() => outlierDetector({}, { hosts: 'a' as any })).toThrow('hosts: "a" is not a list')
  expect(() => outlierDetector({}, { start: '0' as any })).toThrow('start: "0" is not a number')
  expect(() => (loadBalancer as any)({})).toThrow('loadBalancer: last argument: endpoints: is required')
})

test('where there is one argument for all, it is read as a whole', () => {
  const one = () => bulkhead()
  expect(() => keyed(() => 'a', one, 'hosts' as any)).toThrow('keyed: "hosts" is not an object (expected fields such as max, name)')
  expect(() => keyed(() => 'a', one, { nam: 'x' } as any)).toThrow('keyed: nam: unknown option (did you mean name?)')
  expect(() => keyed(() => 'a', one, { name: 5 } as any)).toThrow('keyed: name: 5 is not a text')
  expect(() => registry('x' as any)).toThrow('registry: "x" is not an object')
  expect(() => registry({ clock: Date } as any)).toThrow('registry: clock: a function is not an object with now')
  expect(() => registry({ tags: { team: 5 } } as any)).toThrow('registry: tags.team: 5 is not a text')
  const work = async () => 1
  expect(() => command('X', work, { clock: Date } as any)).toThrow('command: clock: a function is not an object with now')
  expect(() => command('X', work, { getFalback: work } as any)).toThrow('command: getFalback: unknown option (did you mean getFallback?)')
  expect(() => command('X', work, { getFallback: 1 } as any)).toThrow('command: getFallback: 1 is not a function')
})
