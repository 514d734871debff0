import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { circuitBreaker } from '../../../src/policies/circuit-breaker/index.ts'
import { fallback } from '../../../src/policies/fallback/index.ts'
import { loadShedder } from '../../../src/policies/load-shedding/index.ts'
import { registry } from '../../../src/policies/registry/index.ts'
import { KINDS } from '../../../src/policies/registry/kinds.ts'

const configs = {
  default: { circuitBreaker: { slidingWindowSize: 4, minimumNumberOfCalls: 2 }, retry: { attempts: 1 } },
  slow: { circuitBreaker: { waitDurationInOpenState: '5m' }, timeLimiter: { timeoutDuration: '10s' } },
}
const make = () => registry({ configs, tags: { app: 'shop' }, clock: virtualClock() })
const optionsOf = (policy: { describe(): { options: Readonly<Record<string, unknown>> } }) => policy.describe().options

describe('get or create', () => {
  test('the same name gives the same policy; kinds have their own names', () => {
    const all = make()
    const users = all.circuitBreaker('users')
    expect(all.circuitBreaker('users', 'slow')).toBe(users)
    expect(all.get('circuitBreaker', 'users')).toBe(users)
    expect(all.get('bulkhead', 'users')).toBeUndefined()
    expect([users.name, all.bulkhead('users').kind, all.rateLimiter('x').kind, all.retry('x').kind]).toEqual([
      'users',
      'bulkhead',
      'rateLimiter',
      'retry',
    ])
  })
  test('default, a named configuration on top of it, own options on top of that', () => {
    const all = make()
    expect(optionsOf(all.circuitBreaker('a'))).toMatchObject({ slidingWindowSize: 4, waitDurationInOpenState: 60_000 })
    expect(optionsOf(all.circuitBreaker('b', 'slow'))).toMatchObject({ slidingWindowSize: 4, waitDurationInOpenState: 300_000 })
    expect(optionsOf(all.circuitBreaker('c', { slidingWindowSize: 9 }))).toMatchObject({ slidingWindowSize: 9, minimumNumberOfCalls: 2 })
    expect(optionsOf(all.timeLimiter('d', 'slow'))).toMatchObject({ timeoutDuration: 10_000 })
  })
  test('its clock is everybody’s', () => {
    const clock = virtualClock()
    const breaker = registry({ clock }).circuitBreaker('a')
    breaker.open({ for: 100 })
    clock.advance(101)
    expect(breaker.tryAcquire()).toBeDefined()
  })
})

describe('wrong configurations', () => {
  test.each([
    [{ default: { circuitBreaker: { slidingWindowSize: 0 } } }, 'configs.default.circuitBreaker: slidingWindowSize'],
    [{ slow: { circuitBraker: {} } }, 'configs.slow.circuitBraker: unknown kind; expected circuitBreaker'],
    [{ slow: { retry: { attempts: 1, maxAttempts: 2 } } }, 'configs.slow.retry'],
  ])('%j', (wrong: any, message) => {
    expect(() => registry({ configs: wrong })).toThrow(message)
  })
  test('an unknown name says which there are', () => {
    expect(() => make().circuitBreaker('a', 'slwo')).toThrow('no configuration "slwo"; there are default, slow (did you mean slow?)')
  })
  test('a refused change changes nothing', () => {
    const all = make()
    const breaker = all.circuitBreaker('a', 'slow')
    expect(() => all.configure('default', { circuitBreaker: { failureRateThreshold: 0 } })).toThrow('configs.default.circuitBreaker')
    expect(all.configuration('default')).toEqual(configs.default)
    expect(optionsOf(breaker)).toMatchObject({ slidingWindowSize: 4, failureRateThreshold: 50 })
  })
  test('one that is right alone but wrong with the own options of a policy is refused too', () => {
    const all = registry()
    all.retry('a')
    all.retry('own', { maxAttempts: 3 })
    expect(() => all.configure('default', { retry: { attempts: 5 } })).toThrow('maxAttempts')
    expect([all.configuration('default'), optionsOf(all.retry('a'))['attempts']]).toEqual([{}, 2])
  })
})

test('a changed configuration reaches the policies made from it, which keep what they counted; what is unset goes back', () => {
  const all = make()
  const [plain, slow, own] = [all.circuitBreaker('a'), all.circuitBreaker('b', 'slow'), all.circuitBreaker('c', { slidingWindowSize: 8 })]
  plain.tryAcquire()!.fail(1)
  all.configure('default', { circuitBreaker: { slidingWindowSize: 6 } })
  expect([plain, slow, own].map(b => optionsOf(b)['slidingWindowSize'])).toEqual([6, 6, 8])
  expect([plain, slow, own].map(b => optionsOf(b)['minimumNumberOfCalls'])).toEqual([100, 100, 100])
  expect(plain.metrics.numberOfFailedCalls).toBe(1)
  all.configure('slow', {})
  expect(optionsOf(slow)['waitDurationInOpenState']).toBe(60_000)
  all.configure('new', { circuitBreaker: { slidingWindowSize: 2 } })
  expect([all.configs, optionsOf(all.circuitBreaker('d', 'new'))['slidingWindowSize']]).toEqual([['default', 'slow', 'new'], 2])
})

test('the configurations given are copied', () => {
  const mine = { default: { circuitBreaker: { slidingWindowSize: 4 } } }
  const all = registry({ configs: mine })
  mine.default.circuitBreaker.slidingWindowSize = 99
  expect(optionsOf(all.circuitBreaker('a'))['slidingWindowSize']).toBe(4)
})

test('iteration, tags, removal, replacement, and their events', () => {
  const all = make()
  const heard: string[] = []
  all.on('added', e => heard.push(`added ${e.kind} ${e.name}`))
  all.on('removed', e => heard.push(`removed ${e.name}`))
  all.on('replaced', e => heard.push(`replaced ${e.old.config} ${e.entry.name}`))
  all.on('configured', e => heard.push(`configured ${e.config}`))
  all.circuitBreaker('users', 'slow', { team: 'a' })
  all.bulkhead('users')
  expect([...all].map(e => [e.kind, e.name, e.config, e.tags])).toEqual([
    ['circuitBreaker', 'users', 'slow', { app: 'shop', team: 'a' }],
    ['bulkhead', 'users', 'default', { app: 'shop' }],
  ])
  expect(all.entries('bulkhead')).toHaveLength(1)
  const other = circuitBreaker({ slidingWindowSize: 7 })
  all.replace('circuitBreaker', 'users', other)
  expect(all.circuitBreaker('users')).toBe(other)
  expect([all.remove('bulkhead', 'users'), all.remove('bulkhead', 'users')]).toEqual([true, false])
  all.configure('slow', {})
  expect(heard).toEqual(['added circuitBreaker users', 'added bulkhead users', 'replaced slow users', 'removed users', 'configured slow'])
  expect(optionsOf(other)['slidingWindowSize']).toBe(7)
})

test('events of all policies in one place: those made later too, removed ones no more, until the listener leaves', () => {
  const all = make()
  const early = all.circuitBreaker('early')
  const heard: string[] = []
  const controller = new AbortController()
  all.on('transition', ({ entry, event }) => heard.push(`${entry.name} ${event.to}`), controller)
  const late = all.circuitBreaker('late')
  early.open()
  late.forceOpen()
  all.remove('circuitBreaker', 'early')
  early.close()
  controller.abort()
  late.close()
  all.circuitBreaker('last').open()
  expect(heard).toEqual(['early OPEN', 'late FORCED_OPEN'])
})

describe('every kind of policy', () => {
  const HAND_MADE = { fallback: fallback(1), loadShedder: loadShedder(() => 0) }
  /** These are no rules round a call, or hold several. */
  const NOT_KEPT = ['collapse', 'command', 'keyed', 'registry']

  test('the registry knows each room of policies', () => {
    const rooms = readdirSync(new URL('../../../src/policies', import.meta.url), { withFileTypes: true }).filter(e => e.isDirectory())
    const names = rooms.map(({ name }) => name.replace('load-shedding', 'load-shedder').replace(/-(.)/g, (_, c) => c.toUpperCase()))
    expect([...KINDS, ...Object.keys(HAND_MADE), ...NOT_KEPT].sort()).toEqual(names.sort())
  })

  test.each(KINDS)('%s: made, listed, put in from elsewhere, and configured while it stands', kind => {
    const all = make()
    const made = all[kind]('users')
    expect([made.kind, made.name, all.get(kind, 'users') === made]).toEqual([kind, 'users', true])
    ;(all.replace as any)(kind, 'other', registry()[kind]('elsewhere'))
    all.configure('default', { [kind]: {} })
    expect(all.entries(kind).map(entry => `${entry.name} ${entry.config}`)).toEqual(['users default', 'other '])
  })

  test.each(Object.entries(HAND_MADE))('%s: put in by hand, listened to, and left alone by configurations', (kind, policy) => {
    const all = make()
    const heard: unknown[] = []
    all.on('added', ({ name }) => heard.push(name))
    all.replace(kind as 'fallback', 'users', policy as any)
    all.configure('default', { retry: { attempts: 3 } })
    expect([all.get(kind as 'fallback', 'users'), heard, kind in all]).toEqual([policy, ['users'], false])
  })

  test('the events of a fallback that was put in', async () => {
    const all = make()
    const heard: string[] = []
    all.on('success', ({ entry }) => heard.push(entry.kind))
    all.replace('fallback', 'users', HAND_MADE.fallback)
    expect(await HAND_MADE.fallback.execute(() => Promise.reject(new Error('no')))).toBe(1)
    expect(heard).toEqual(['fallback'])
  })
})
