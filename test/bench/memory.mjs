// What stays in memory: breakers that have answered calls, and a mesh of 1,000 hosts with 10 endpoints each. Needs --expose-gc.
import { createMesh } from '../../dist/index.js'
import { circuitBreaker } from '../../dist/policies.js'
import { inUse, printed, row } from './measure.mjs'

const BREAKERS = 10_000
const HOSTS = 1000
const ENDPOINTS = 10

async function breakers() {
  circuitBreaker({}, { name: 'warm-up' }).tryAcquire().succeed()
  const before = await inUse()
  const made = Array.from({ length: BREAKERS }, (_, i) => circuitBreaker({}, { name: `breaker ${i}` }))
  const fresh = await inUse()
  for (const breaker of made) for (let i = 0; i < 100; i++) breaker.tryAcquire().succeed()
  const used = await inUse()
  const each = bytes => Math.round((bytes - before) / made.length)
  return row(
    'one circuitBreaker after 100 calls',
    `${each(used)} B (${each(fresh)} B when made)`,
    '< 2 kB',
    used - before < 2048 * made.length,
  )
}

const rules = () =>
  Array.from({ length: HOSTS }, (_, i) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: `s${i}` },
    spec: {
      hosts: [`s${i}.test`],
      resolution: 'STATIC',
      location: 'MESH_INTERNAL',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      endpoints: Array.from({ length: ENDPOINTS }, (_, k) => ({ address: `10.${i >> 8}.${i & 255}.${k + 1}` })),
    },
  }))

async function mesh() {
  await createMesh({ rules: rules().slice(0, 10) }).close()
  const before = await inUse()
  const started = performance.now()
  const made = createMesh({ rules: rules() })
  const took = performance.now() - started
  const grown = (await inUse()) - before
  await made.close()
  return row(
    `a mesh of ${HOSTS} hosts with ${ENDPOINTS} endpoints each`,
    `${(grown / 1e6).toFixed(1)} MB, applied in ${took.toFixed(0)} ms`,
    '< 30 MB, < 1 s',
    grown < 30e6 && took < 1000,
  )
}

export default async function rows() {
  if (globalThis.gc === undefined) throw new Error('memory is measured with node --expose-gc')
  return [await breakers(), await mesh()]
}
await printed(rows, import.meta)
