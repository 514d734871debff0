/** What a page says of a policy's events and metrics is what the policy has: each name, in its section; and the sections come in the order of all pages. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { connectionPool, outlierDetector, upstream } from '../../src/index.ts'
import * as policies from '../../src/policies/index.ts'

const docs = fileURLToPath(new URL('../../docs/policies', import.meta.url))

/** A page, and what it is about. */
const PAGES: Record<string, { on(type: any, listener: () => void): unknown; readonly metrics?: object }> = {
  'circuit-breaker': policies.circuitBreaker(),
  bulkhead: policies.bulkhead(),
  'rate-limiter': policies.rateLimiter(),
  retry: policies.retry(),
  'time-limiter': policies.timeLimiter(),
  hedge: policies.hedge(),
  cache: policies.cache(),
  'adaptive-concurrency': policies.adaptiveConcurrency(),
  'fault-injector': policies.faultInjector(),
  fallback: policies.fallback(null),
  'load-shedding': policies.loadShedder(() => 0),
  collapse: policies.collapse(async (ids: readonly number[]) => ids),
  command: policies.command('x', async () => 1),
  registry: policies.registry(),
  'connection-pool': connectionPool(),
  'outlier-detector': outlierDetector({}, { hosts: [] }),
  upstream: upstream({ endpoints: [] }),
}
/** Events of the registry that are its policies', and have their pages. */
const OWN_OF_REGISTRY = ['added', 'removed', 'replaced', 'configured']
/** In Hystrix's tables, and never happening here. */
const NEVER = ['EMIT', 'FALLBACK_EMIT', 'FALLBACK_DISABLED', 'COLLAPSED']

const sectionsOf = (page: string) =>
  new Map(
    readFileSync(path.join(docs, `${page}.md`), 'utf8')
      .split(/^## /m)
      .slice(1)
      .map(section => [section.split('\n', 1)[0]!, section]),
  )
const words = (section: string | undefined) =>
  new Set([...(section ?? '').matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code!.match(/\w+/g) ?? []))

function eventsOf(policy: { on(type: any, listener: () => void): unknown }): string[] {
  try {
    policy.on('nonsense', () => {})
  } catch (error) {
    return /; there are (.*)$/.exec((error as Error).message)![1]!.split(', ')
  }
  return []
}

test.each(Object.entries(PAGES))('%s', (page, policy) => {
  const sections = sectionsOf(page)
  const section = (name: string) => [...sections].find(([title]) => title.includes(name))?.[1]
  const events = eventsOf(policy).filter(event => page !== 'registry' || OWN_OF_REGISTRY.includes(event))
  const [saidEvents, saidMetrics] = [words(section('Events')), words(section(sections.has('Metrics') ? 'Metrics' : 'metrics'))]
  expect(events.filter(event => !NEVER.includes(event) && !saidEvents.has(event))).toEqual([])
  expect(Object.keys(policy.metrics ?? {}).filter(metric => !saidMetrics.has(metric))).toEqual([])
})

test.each([...Object.keys(PAGES), 'keyed', 'load-balancer', 'weighted-router'])('the order of %s', page => {
  const titles = [...sectionsOf(page).keys()].map(title => title.replace(', metrics', ''))
  const order = ['What for', 'Start', 'Options', 'Events', 'Metrics', 'Composition', 'Pitfalls']
  expect(titles.filter(title => order.includes(title))).toEqual(order.filter(title => titles.includes(title)))
  expect(titles).toEqual(expect.arrayContaining(order.filter(title => title !== 'Metrics')))
})
