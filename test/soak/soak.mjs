// Traffic for a long time while everything around it changes: rules, endpoints, upstreams that are killed, bodies that never end, names that
// resolve slowly or not. Memory stays flat, every gauge goes back to zero, nothing is unhandled, and the process ends by itself.
//   npm run test:soak -- [--minutes 30] [--concurrency 50] [--rate 200]
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createMesh, outcomeOf } from 'meshless'
import { rulesAt } from './rules.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    concurrency: { type: 'string', default: '50' },
    /** Requests per second. What the machine can do is no question here. */
    rate: { type: 'string', default: '200' },
  },
})
const [minutes, concurrency, rate] = [values.minutes, values.concurrency, values.rate].map(Number)
if (![minutes, concurrency, rate].every(n => n > 0)) throw new Error('--minutes, --concurrency and --rate are numbers above 0')
const until = performance.now() + minutes * 60_000
const running = () => performance.now() < until
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
/** Numbers that look random and are the same each time. */
let seed = 1
const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647

const faults = new Set()
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, error => faults.add(`${event}: ${error?.stack ?? error}`))

const upstreamFile = fileURLToPath(new URL('upstream.mjs', import.meta.url))
const startUpstream = port =>
  new Promise(resolve => {
    const child = fork(upstreamFile, [String(port)])
    child.once('message', at => resolve({ child, port: at }))
  })
const upstreams = await Promise.all([0, 0, 0, 0].map(startUpstream))
const ports = upstreams.map(({ port }) => port)

/** Names resolve after a while, sometimes not at all, and sometimes never. */
const resolver = {
  async resolve(name, { signal } = {}) {
    const chance = random()
    if (chance < 0.05) return new Promise((_, reject) => signal?.addEventListener?.('abort', () => reject(signal.reason), { once: true }))
    await pause(20 + 300 * random())
    if (chance < 0.2) throw new Error(`${name}: no answer`)
    return [{ address: '127.0.0.1', ttl: 500 }]
  },
}
const mesh = createMesh({ rules: rulesAt(0, ports), limits: { abandonedBodyTimeout: '300ms' }, discovery: { resolver } })

const seen = new Map()
const count = what => seen.set(what, (seen.get(what) ?? 0) + 1)

const REQUESTS = [
  async () => read(await mesh.fetch('http://s.test/')),
  async () => read(await mesh.fetch('http://s.test/', { method: 'POST', body: 'x'.repeat(5000) })),
  async () => read(await mesh.fetch('http://s.test/weighted')),
  async () => read(await mesh.fetch('http://s.test/fail')),
  async () => read(await mesh.fetch('http://named.test/')),
  async () => read(await mesh.fetch('http://s.test/large', { signal: AbortSignal.timeout(20) })),
  () => mesh.fetch('http://s.test/large'), // nobody reads it
  () => mesh.fetch('http://s.test/endless'), // nobody reads it, and it never ends
  async () => read(await mesh.fetch('http://s.test/endless', { signal: AbortSignal.timeout(200) })),
  () => mesh.fetch('http://s.test/hang', { signal: AbortSignal.timeout(100) }),
]
/** How often each of them is made. */
const SHARES = [60, 10, 10, 4, 5, 4, 3, 1, 1, 2]
const TOTAL = SHARES.reduce((sum, share) => sum + share)

async function read(response) {
  await response.arrayBuffer()
  return response
}

function pick() {
  let left = random() * TOTAL
  return REQUESTS[SHARES.findIndex(share => (left -= share) < 0)]
}

async function send() {
  try {
    const response = await pick()()
    const { flags } = outcomeOf(response)
    count(`${response.status} ${flags}`.trim())
  } catch (error) {
    count(
      error.name === 'TimeoutError' ? 'aborted' : error.message === 'terminated' ? 'body broken' : `threw ${error.name}: ${error.message}`,
    )
  }
}

async function worker() {
  for (let next = performance.now(); running(); next = Math.max(performance.now() - 1000, next + (concurrency * 1000) / rate)) {
    await send()
    if (next > performance.now()) await pause(next - performance.now())
  }
}

async function applyRules() {
  for (let i = 1; running(); i++) {
    await pause(700)
    const result = i % 10 === 0 ? await mesh.rollback(mesh.history()[0].version) : await mesh.apply(rulesAt(i, ports))
    if (!result.accepted) faults.add(`rules ${i} were refused: ${result.errors[0]?.message}`)
  }
}

async function changeEndpoints() {
  const cluster = 'outbound|80||s.test'
  for (let i = 0; running(); i++) {
    await pause(300)
    const chosen = ports.filter((_, n) => (i + n) % 4 !== 0)
    mesh.setEndpoints(
      cluster,
      chosen.map(port => ({ address: `127.0.0.1:${port}` })),
    )
  }
}

async function killUpstreams() {
  for (let i = 0; running(); i++) {
    await pause(1500)
    const upstream = upstreams[i % upstreams.length]
    upstream.child.kill('SIGKILL')
    await pause(100)
    Object.assign(upstream, await startUpstream(upstream.port))
  }
}

/** Retained heap and resident memory, every so often. */
const memory = []
async function measure() {
  const every = Math.max(5000, (minutes * 60_000) / 60)
  while (running()) {
    await pause(every)
    globalThis.gc?.()
    await pause(50)
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    memory.push({ heap: heapUsed / 2 ** 20, rss: rss / 2 ** 20, timers: process.getActiveResourcesInfo().length })
    const { heap } = memory.at(-1)
    if (memory.length % 6 === 0)
      console.log(
        `${((minutes * 60_000 - (until - performance.now())) / 60_000).toFixed(1)} min: heap ${heap.toFixed(1)} MB, rss ${(rss / 2 ** 20).toFixed(0)} MB, ${[...seen.values()].reduce((a, b) => a + b, 0)} requests`,
      )
  }
}

await Promise.all([...Array.from({ length: concurrency }, worker), applyRules(), changeEndpoints(), killUpstreams(), measure()])

// What was left unread is given up after 300 ms, and connections that are in use end with it.
await pause(3000)
const { clusters, policies } = mesh.snapshot()
const gauges = {}
for (const [name, { stats, endpoints }] of Object.entries(clusters)) {
  for (const gauge of ['upstream_rq_active', 'upstream_rq_pending_active', 'upstream_rq_retry_active'])
    if (stats[gauge] !== undefined) gauges[`${name} ${gauge}`] = stats[gauge]
  gauges[`${name} active`] = endpoints.reduce((sum, { active }) => sum + active, 0)
}
const { availableConcurrentCalls, maxAllowedConcurrentCalls } = policies['outbound|80||s.test'].bulkhead
gauges['bulkhead slots in use'] = maxAllowedConcurrentCalls - availableConcurrentCalls

await mesh.close({ drain: '1s' })
for (const [name, { stats }] of Object.entries(mesh.snapshot().clusters)) gauges[`${name} upstream_cx_active`] = stats.upstream_cx_active
for (const { child } of upstreams) {
  child.disconnect()
  child.kill('SIGKILL')
}

const ALLOWED = /^(200|50[234] ([A-Z]+,)*(UC|UF|UT|UPE|UH|UO|UR|URX|DPE|UAEX|NC)|503|429|404|aborted|body broken)/
const mean = (rows, of) => rows.reduce((sum, row) => sum + row[of], 0) / rows.length
const quarter = Math.max(1, Math.floor(memory.length / 4))
const settled = memory.slice(Math.floor(memory.length / 6))
const grown = {
  heap: mean(memory.slice(-quarter), 'heap') - mean(settled.slice(0, quarter), 'heap'),
  rss: mean(memory.slice(-quarter), 'rss') - mean(settled.slice(0, quarter), 'rss'),
}
console.log(Object.fromEntries([...seen].sort((a, b) => b[1] - a[1])))
console.log({ ...gauges, heapGrownMB: +grown.heap.toFixed(1), rssGrownMB: +grown.rss.toFixed(1) })

for (const what of seen.keys()) if (!ALLOWED.test(what)) faults.add(`not what Envoy answers: ${what}`)
for (const [name, value] of Object.entries(gauges)) if (value !== 0) faults.add(`${name} is ${value}`)
if (globalThis.gc === undefined) faults.add('run with --expose-gc')
if (grown.heap > 4) faults.add(`the heap grew by ${grown.heap.toFixed(1)} MB`)
if (grown.rss > 40) faults.add(`resident memory grew by ${grown.rss.toFixed(1)} MB`)
for (const fault of faults) console.error(`FAULT ${fault}`)
if (faults.size > 0) process.exitCode = 1
else console.log(`${minutes} minutes at ${rate} requests/s, concurrency ${concurrency}: all holds`)

// This timer keeps nothing alive: it only fires when something else does.
setTimeout(() => {
  console.error(`FAULT the process does not end: ${process.getActiveResourcesInfo().join(', ')}`)
  process.exit(1)
}, 10_000).unref()
