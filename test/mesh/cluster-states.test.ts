/** What lives beside the rules: how long it is kept, and that nobody holds on to what is gone. */
import { describe, expect, test } from 'vitest'
import { runNow } from '../../src/base/time/slices.ts'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { ClusterStates } from '../../src/mesh/cluster-states.ts'
import { fakeTransport, virtualClock } from '../../src/testing/index.ts'
import { oneService } from '../one-service.ts'
import { all, destination, instantTransport, policy, service } from './documents.ts'

const A = 'outbound|80||a.test'

describe('state of a cluster', () => {
  test('survives sets that do not name it, for five minutes', async () => {
    const clock = virtualClock()
    const mesh = createMesh({ rules: service('a'), clock })
    mesh.eject(A, '10.0.0.1:80')
    const health = () => mesh.snapshot().clusters[A]!.endpoints.map(e => e.health)
    await mesh.apply(service('b'))
    clock.advance(299_000)
    await mesh.apply(service('a'))
    expect(health()).toEqual(['ejected', 'healthy'])
    await mesh.apply(service('b'))
    clock.advance(299_000)
    expect(mesh.plan(service('a')).changes.clusters[0]!.state.kept).toBe(true)
    clock.advance(2_000)
    expect(mesh.plan(service('a')).changes.clusters[0]!.state.kept).toBe(false)
    await mesh.apply(service('a'))
    expect(health()).toEqual(['healthy', 'healthy'])
  })

  test.each([
    ['two of three are out, without outlier detection: Envoy panics below 50 %', '', [1, 2], [1, 2, 3]],
    ['all are out, without outlier detection', '', [1, 2, 3], [1, 2, 3]],
    ['two of three are out, under outlier detection: istiod sends 0, no panic', '{}', [1, 2], [3]],
    ['all are out, under outlier detection', '{}', [1, 2, 3], []],
    ['two of three are out, and minHealthPercent wants more', '{ minHealthPercent: 40 }', [1, 2], [1, 2, 3]],
  ] as const)('by hand as by a detector: %s', async (_what, outlierDetection, ejected, asked) => {
    const endpoints = [1, 2, 3].map(i => `10.0.0.${i}:80`)
    const policy = `{ loadBalancer: { simple: ROUND_ROBIN }${outlierDetection && `, outlierDetection: ${outlierDetection}`} }`
    const mesh = createMesh({ rules: oneService({ endpoints, policy }), transport: fakeTransport({ '*': {} }) })
    for (const i of ejected) mesh.eject('s.test||80', `10.0.0.${i}:80`)
    const seen = new Set<string | undefined>()
    for (let i = 0; i < 12; i++) {
      const response = await mesh.fetch('http://s.test/')
      expect(response.status).toBe(asked.length === 0 ? 503 : 200)
      if (asked.length === 0) expect(outcomeOf(response)!.flags).toContain('UH')
      else seen.add(outcomeOf(response)!.endpoint)
    }
    expect([...seen].sort()).toEqual(asked.map(i => `10.0.0.${i}:80`))
    await mesh.close()
  })

  test('no timer is left behind by many applies', async () => {
    const clock = virtualClock()
    const mesh = createMesh({ rules: service('a'), clock })
    for (let i = 0; i < 20; i++) await mesh.apply(i % 2 ? service('a') : service('b'))
    expect(clock.pending).toBeLessThanOrEqual(2)
    await mesh.close()
    expect(clock.pending).toBe(0)
  })

  test('a breaker keeps its window when its settings change', async () => {
    const clock = virtualClock()
    const rules = (rate: number) =>
      all(service('a'), policy('a', `circuitBreaker: { failureRateThreshold: ${rate}, minimumNumberOfCalls: 4 }`))
    const mesh = createMesh({ rules: rules(100), clock, transport: instantTransport(() => 500) })
    const seen: unknown[] = []
    mesh.on('transition', e => seen.push([e.cluster, e.from, e.to]))
    for (let i = 0; i < 3; i++) await mesh.fetch('http://a.test/')
    await mesh.apply(rules(50))
    expect((mesh.snapshot().policies[A] as any).circuitBreaker).toMatchObject({ state: 'CLOSED', numberOfBufferedCalls: 3 })
    await mesh.fetch('http://a.test/')
    expect(seen).toEqual([[A, 'CLOSED', 'OPEN']])
  })

  test('endpoints set by hand outlive an apply', async () => {
    const mesh = createMesh({ rules: service('a'), clock: virtualClock() })
    mesh.setEndpoints('a.test||80', [{ address: '10.9.9.9:80' }])
    await mesh.apply(all(service('a', 3), destination('a')))
    expect(mesh.snapshot().clusters[A]!.endpoints.map(e => e.address)).toEqual(['10.9.9.9:80'])
    expect(mesh.plan(all(service('a', 5), destination('a'))).changes.clusters.find(c => c.cluster === A)!.fields).toEqual([
      'endpoints (set by hand: not used)',
    ])
  })

  test('a route to a cluster that is gone is answered NC, whatever state is kept of it', async () => {
    const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: x }
spec: { hosts: [x.test], http: [{ route: [{ destination: { host: a.test, subset: v1 } }] }] }
`
    const options = { clock: virtualClock(), discovery: { unlisted: 'none' as const }, transport: instantTransport(() => 200) }
    const mesh = createMesh({ rules: all(service('a'), destination('a'), rules), ...options })
    expect((await mesh.fetch('http://x.test/')).status).toBe(200)
    await mesh.apply(all(service('a'), rules))
    expect((await mesh.fetch('http://x.test/')).status).toBe(503)
  })
})

describe('making ready', () => {
  const setup = () => {
    const log: string[] = []
    const states = new ClusterStates({
      clock: virtualClock(),
      place: clusterName => ({ clusterName }),
      make: plan => {
        if (plan.text === 'broken') throw new Error('cannot be made')
        log.push(`make ${plan.name}`)
        return {
          name: plan.name,
          busy: false,
          assign() {},
          update: () => log.push(`update ${plan.name}`),
          close: () => log.push(`close ${plan.name}`),
        } as any
      },
      guard: (_, plan) => {
        if (plan.text === 'refused') throw new Error('cannot be guarded')
      },
    })
    const plans = (texts: Record<string, string>) =>
      new Map(
        Object.entries(texts).map(([name, text]) => [
          name,
          { name, text, config: { name }, assignment: undefined, placement: undefined, resilience: undefined },
        ]),
      )
    return { log, states, plans }
  }

  test.each(['broken', 'refused'])('what is %s is found before anything is taken over, and what was made is closed', text => {
    const { log, states, plans } = setup()
    runNow(states.preparing(plans({ a: '1', b: '1' })))()
    const before = states.named
    log.length = 0
    expect(() => runNow(states.preparing(plans({ c: '1', a: '2', b: text })))).toThrow('cannot be')
    expect(states.named).toBe(before)
    expect(log.filter(l => l.startsWith('update'))).toEqual([])
    expect(log).toContain('close c')
  })

  test('only what differs is updated, and calls keep the map they began with', () => {
    const { log, states, plans } = setup()
    runNow(states.preparing(plans({ a: '1', b: '1' })))()
    const before = states.named
    runNow(states.preparing(plans({ a: '1', b: '2' })))()
    expect(log.filter(l => l.startsWith('update'))).toEqual(['update b'])
    expect(states.named).not.toBe(before)
    expect(states.named.get('a')).toBe(before.get('a'))
    expect([...before.keys()]).toEqual(['a', 'b'])
  })
})

test('an option that an update leaves out goes back to its default', async () => {
  const mesh = createMesh({
    rules: all(service('a'), policy('a', 'circuitBreaker: { minimumNumberOfCalls: 1, failureRateThreshold: 100 }')),
    clock: virtualClock(),
    transport: instantTransport(() => 500),
  })
  await mesh.apply(all(service('a'), policy('a', 'circuitBreaker: { failureRateThreshold: 100 }')))
  for (let i = 0; i < 3; i++) await mesh.fetch('http://a.test/')
  expect(mesh.breaker('a.test||80').state).toBe('CLOSED')
})
