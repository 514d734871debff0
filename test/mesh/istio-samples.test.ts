/** Istio's own bookinfo files, with our services.yaml, are accepted and route as Istio's documentation says. They are read where they lie. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { fakeTransport, seededRandom } from '../../src/testing/index.ts'

const samples = fileURLToPath(new URL('../../../shared/istio/samples/bookinfo/networking', import.meta.url))
const here = existsSync(samples)

const PORTS: Record<string, number> = {
  PRODUCTPAGE: 1,
  DETAILS: 2,
  REVIEWS_V1: 11,
  REVIEWS_V2: 12,
  REVIEWS_V3: 13,
  RATINGS_V1: 21,
  RATINGS_V2: 22,
}
const services = readFileSync(new URL('../../examples/bookinfo/services.yaml', import.meta.url), 'utf8').replace(
  /\$\{(\w+)\}/g,
  (_, name) => String(PORTS[name]),
)
const sample = (file: string) => readFileSync(path.join(samples, file), 'utf8')

function bookinfo(...files: string[]) {
  return createMesh({ rules: [services, ...files.map(sample)], transport: fakeTransport({ '*': {} }), random: seededRandom(3) })
}

describe.skipIf(!here)(`Istio's bookinfo files${here ? '' : ' (skipped: they are not here)'}`, () => {
  test.each(here ? readdirSync(samples).filter(f => f.endsWith('.yaml')) : [])('%s is accepted', async file => {
    const mesh = createMesh({ rules: [services, sample(file)] })
    expect(mesh.diagnostics.filter(d => d.severity === 'error')).toEqual([])
    for (const kind of new Set([...sample(file).matchAll(/^kind: (\w+)$/gm)].map(m => m[1]!)))
      if (!['VirtualService', 'DestinationRule', 'ServiceEntry'].includes(kind))
        expect(mesh.diagnostics).toContainEqual(expect.objectContaining({ severity: 'info', code: 'kind-not-read', kind }))
    await mesh.close()
  })

  const ask = async (mesh: ReturnType<typeof createMesh>, host: string, headers: Record<string, string> = {}) => {
    const response = await mesh.fetch(`http://${host}:9080/`, { headers })
    const { cluster } = outcomeOf(response)!
    return `${response.status} ${cluster.split('|')[2]}`
  }
  const many = async (n: number, once: () => Promise<string>) => {
    const counts: Record<string, number> = {}
    for (let i = 0; i < n; i++) {
      const saw = await once()
      counts[saw] = (counts[saw] ?? 0) + 1
    }
    return counts
  }

  test('all to v1', async () => {
    const mesh = bookinfo('destination-rule-all.yaml', 'virtual-service-all-v1.yaml')
    for (const host of ['productpage', 'reviews', 'ratings', 'details'])
      expect(await many(5, () => ask(mesh, host))).toEqual({ '200 v1': 5 })
  })

  test('jason sees v2, others v1', async () => {
    const mesh = bookinfo('destination-rule-all.yaml', 'virtual-service-reviews-test-v2.yaml')
    expect(await ask(mesh, 'reviews', { 'end-user': 'jason' })).toBe('200 v2')
    expect(await ask(mesh, 'reviews', { 'end-user': 'jasonx' })).toBe('200 v1')
    expect(await ask(mesh, 'reviews')).toBe('200 v1')
  })

  test('half of the requests go to v3', async () => {
    const mesh = bookinfo('destination-rule-all.yaml', 'virtual-service-reviews-50-v3.yaml')
    const counts = await many(200, () => ask(mesh, 'reviews'))
    expect(Object.keys(counts).sort()).toEqual(['200 v1', '200 v3'])
    expect(Math.abs(counts['200 v3']! - 100)).toBeLessThan(30)
  })

  test('ratings answer 500 to jason alone', async () => {
    const mesh = bookinfo('destination-rule-all.yaml', 'virtual-service-ratings-test-abort.yaml')
    const response = await mesh.fetch('http://ratings:9080/', { headers: { 'end-user': 'jason' } })
    expect([response.status, await response.text(), outcomeOf(response)!.flags]).toEqual([500, 'fault filter abort', 'FI'])
    expect(await ask(mesh, 'ratings')).toBe('200 v1')
  })
})
