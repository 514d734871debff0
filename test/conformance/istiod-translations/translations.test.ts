/** What a real istiod 1.29.6 made of rule documents, held equal: virtual hosts, routes, clusters, endpoints. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseYamlDocuments } from '../../../src/base/formats/yaml.ts'
import type { RuleDocument } from '../../../src/rules/istio/document.ts'
import { readMeshConfig } from '../../../src/rules/istio/mesh-config.ts'
import { translateDocuments } from '../../../src/rules/istio/translate.ts'
import { translate } from '../../../src/rules/translate.ts'

const FREE = new Set([
  ...['altStatName', 'decorator', 'edsClusterConfig', 'transportSocket', 'transportSocketMatches', 'metadata', '@type'],
  ...['maxDirectResponseBodySizeBytes', 'validateClusters', 'ignorePortInHostMatching', 'includeRequestAttemptCount'],
])

/** Protobuf's JSON name of a field; only this direction is a function (`consecutive_5xx` is `consecutive5xx`). */
const jsonName = (key: string) =>
  key.startsWith('@') || key.includes('.') || key.includes('|') ? key : key.replace(/_(.)/g, (_, next) => next.toUpperCase())

/** Proto3-JSON names, values without proto3 defaults, without what the recordings leave free. */
function normal(value: any): any {
  if (Array.isArray(value)) return value.map(normal)
  if (value && typeof value === 'object') {
    const out: Record<string, any> = {}
    for (const [key, item] of Object.entries(value)) {
      const name = jsonName(key)
      if (FREE.has(name)) continue
      const inner = normal(item)
      if (inner === undefined || inner === null) continue
      const empty = typeof inner === 'object' && Object.keys(inner).length === 0
      if (!empty || name === 'healthyPanicThreshold') out[name] = inner
    }
    return out
  }
  if (typeof value === 'string' && /^\d+(\.\d+)?s$/.test(value)) return `${Number(value.slice(0, -1))}s`
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return Number(value)
  return value === false || value === 0 || value === '' ? undefined : value
}

function comparable(config: any) {
  const {
    clusters = [],
    routes = [],
    endpoints = [],
  } = normal({ clusters: config.clusters, routes: config.routes, endpoints: config.endpoints })
  const hosts: Record<string, any> = {}
  for (const route of routes)
    for (const host of route.virtualHosts ?? []) hosts[`${route.name} ${host.name} ${[...host.domains].sort().join()}`] = host.routes
  return {
    clusters: Object.fromEntries(clusters.filter((c: any) => c.name.startsWith('outbound')).map((c: any) => [c.name, c])),
    hosts,
    endpoints: Object.fromEntries(endpoints.map((e: any) => [e.clusterName, e])),
  }
}

function holds(recordings: readonly any[]): void {
  it.each(recordings.map(recorded => [recorded.name, recorded] as const))('%s', (_, recorded) => {
    const documents = parseYamlDocuments(recorded.rules)
      .map(({ value }) => value as RuleDocument)
      .filter(Boolean)
    const before = JSON.stringify(documents)
    const translated = translateDocuments(documents, { workload: recorded.client, meshConfig: readMeshConfig(recorded.mesh) })
    expect(comparable(translated)).toEqual(comparable(recorded))
    expect(JSON.stringify(documents)).toBe(before)
    const { clusters, routes, endpoints } = translate(recorded.rules, { workload: recorded.client, meshConfig: recorded.mesh })
    expect(comparable({ clusters, routes, endpoints })).toEqual(comparable(recorded))
  })
}

describe('recorded translations of istiod, of our own documents', () =>
  holds(JSON.parse(gunzipSync(readFileSync(new URL('./recorded.json.gz', import.meta.url))).toString())))

const shared = new URL('../../../../shared/istio/translations-samples/', import.meta.url)
describe.skipIf(!existsSync(shared))('recorded translations of istiod, of its own samples (../shared)', () =>
  holds(existsSync(shared) ? readdirSync(shared).map(file => JSON.parse(readFileSync(new URL(file, shared), 'utf8'))) : []),
)
