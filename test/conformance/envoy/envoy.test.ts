/**
 * What a real Envoy did under real Istio rules, replayed: one test per scenario. Scenarios that mostly wait run side by side, those that count thousands of
 * answers one after the other; what differs is played once more with the machine to itself, so that neither load nor chance decides.
 * docs/differences.md lists the steps that differ on purpose; what it lists must differ, and nothing else may.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { compare, type Difference } from './compare.ts'
import { listedDifferences } from './differences.ts'
import { perform } from './perform.ts'
import { type Scenario, scenariosOf } from './scenario.ts'

const AREAS = [
  'routing',
  'rewrite-redirect-headers',
  'weights',
  'precedence',
  'fault',
  'timeouts',
  'retries',
  'local-replies',
  'outlier',
  'pools',
  'lb',
]
const AT_ONCE = 12
/** A step later than this (ms) makes a run worthless. */
const TOO_LATE = 60
/** A scenario that is not over by then, ms, hangs: the run says which one and goes on with the others. */
const STUCK_AFTER = 45_000

const scenarios = AREAS.flatMap(scenariosOf)
const results = new Map(scenarios.map(s => [s.name, deferred<Difference[]>()]))

beforeAll(() => void playAll(scenarios, (scenario, found) => results.get(scenario.name)!.resolve(found)))

test('all that was recorded is here', () => expect(scenarios.length).toBe(232))

test('docs/differences.md speaks of scenarios that exist', () => {
  for (const name of listedDifferences().keys()) expect(results.has(name), name).toBe(true)
})

describe.each(AREAS)('%s, as Envoy', area => {
  test.each(scenariosOf(area).map(s => [s.name.slice(area.length + 1), s] as const))('%s', { timeout: 120_000 }, async (_, scenario) => {
    const listed = listedDifferences().get(scenario.name) ?? []
    const found = await results.get(scenario.name)!.promise
    expect(found.filter(d => !listed.includes(d.step)).map(d => `step ${d.step} ${scenario.steps[d.step]!.op}: ${d.text}`)).toEqual([])
    expect(
      listed.filter(step => !found.some(d => d.step === step)),
      'steps that docs/differences.md lists and that hold',
    ).toEqual([])
  })
})

async function playAll(scenarios: readonly Scenario[], done: (scenario: Scenario, found: Difference[]) => void): Promise<void> {
  const busy = (s: Scenario) => s.steps.some(step => step.op === 'many' || (step.op === 'keys' && step.keys!.length > 50))
  const again: Scenario[] = []
  const play = async (scenario: Scenario) => {
    const found = await judge(scenario)
    if (isAsListed(scenario, found)) done(scenario, found)
    else again.push(scenario)
  }
  const waiting = scenarios.filter(s => !busy(s)).sort((a, b) => length(b) - length(a))
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await play(next)
    }),
  )
  for (const scenario of scenarios) if (busy(scenario)) await play(scenario)
  for (const scenario of again) {
    let found = await judge(scenario)
    const chance = CHANCE.has(scenario.name) || listedDifferences().has(scenario.name)
    for (let left = chance ? 6 : 2; left > 0 && !isAsListed(scenario, found); left--) found = await judge(scenario)
    done(scenario, found)
  }
}

/** What a real Envoy itself does not always repeat: which hosts a warm-up meets depends on where a rotation starts. The same chance decides whether a listed difference shows. */
const CHANCE = new Set(['outlier/min-health-percent-not-reached'])

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ms} ms`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function judge(scenario: Scenario): Promise<Difference[]> {
  try {
    const { outcomes, unsayable, late } = await within(STUCK_AFTER, perform(scenario))
    if (late > TOO_LATE) return [{ step: 0, text: `the machine was ${Math.round(late)} ms late` }]
    return compare(scenario, outcomes, unsayable)
  } catch (error) {
    return [{ step: 0, text: String((error as Error).stack ?? error) }]
  }
}

function isAsListed(scenario: Scenario, found: readonly Difference[]): boolean {
  const listed = listedDifferences().get(scenario.name) ?? []
  return found.every(d => listed.includes(d.step)) && listed.every(step => found.some(d => d.step === step))
}

/** About how long it waits, ms. */
function length(scenario: Scenario): number {
  const answers = Object.values(scenario.upstreams)
    .flatMap(u => [u, ...Object.values(u.paths ?? {})])
    .flatMap(u => [...(u.script ?? []), u.then ?? {}])
  const slowest = Math.max(0, ...answers.map(a => a.delay ?? a.bodyDelay ?? 0))
  let ms = 0
  for (const step of scenario.steps) {
    if (step.op === 'at') ms = Math.max(ms, step.ms!)
    else
      ms +=
        step.op === 'wait' ? step.ms! : step.op === 'ramp' ? step.bucketMs! * step.buckets! : slowest + (step.n ?? 1) * (step.gapMs ?? 5)
  }
  return ms
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(r => {
    resolve = r
  })
  return { promise, resolve }
}
