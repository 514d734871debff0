// What a call costs under each library, as a Markdown table: time and allocated bytes. `npm run bench:peers` from the root (installs the peers here first).
// Times are medians of rounds that take turns, so that a busy machine slows all alike; bytes are what the heap grew by without a collection in between.
import * as meshless from '../../dist/policies.js'

const [major] = process.versions.node.split('.').map(Number)
const cockatielName = major >= 22 ? 'cockatiel4' : 'cockatiel3'
const opossumName = major >= 22 ? 'opossum10' : 'opossum9'
const cockatiel = await import(cockatielName)
const { default: Opossum } = await import(opossumName)

const CALLS = Number(process.env.CALLS ?? 20_000)
const ROUNDS = Number(process.env.ROUNDS ?? 9)
const good = async () => 42
const down = new Error('down')
const bad = async () => {
  throw down
}
const never = () => new Promise(() => {})

const { circuitBreaker, bulkhead, retry, timeLimiter, pipeline } = meshless
const { handleAll, ConsecutiveBreaker, ConstantBackoff, TimeoutStrategy } = cockatiel
const sampling = () => new cockatiel.SamplingBreaker({ threshold: 0.99, duration: 30_000, minimumRps: 1e9 })

/** A breaker that counts and never opens, so that the failing path stays failing. */
const steady = { failureRateThreshold: 100, slidingWindowSize: 100, minimumNumberOfCalls: 100, slidingWindowType: 'TIME_BASED' }
const unopened = { ...steady, minimumNumberOfCalls: 1e9 }

const ourStack = () =>
  pipeline(
    retry({ attempts: 2, backoff: 1 }),
    circuitBreaker(unopened),
    timeLimiter({ timeoutDuration: '10s' }),
    bulkhead({ maxConcurrentCalls: 100 }),
  )
const cockatielStack = () =>
  cockatiel.wrap(
    cockatiel.retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(1) }),
    cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: sampling() }),
    cockatiel.timeout(10_000, TimeoutStrategy.Aggressive),
    cockatiel.bulkhead(100),
  )
const opossum = (fn, options) => {
  const breaker = new Opossum(fn, { timeout: false, volumeThreshold: 1e9, resetTimeout: 600_000, ...options })
  return breaker
}
const forced = () => {
  const breaker = circuitBreaker()
  breaker.forceOpen()
  return breaker
}
const isolated = () => {
  const breaker = cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) })
  breaker.isolate()
  return breaker
}
const shut = () => {
  const breaker = opossum(good)
  breaker.open()
  return breaker
}
const full = () => {
  const slots = bulkhead({ maxConcurrentCalls: 1 })
  void slots.execute(never)
  return slots
}
const cockatielFull = () => {
  const slots = cockatiel.bulkhead(1)
  void slots.execute(never)
  return slots
}
const opossumFull = () => {
  const breaker = opossum(never, { capacity: 1 })
  void breaker.fire()
  return breaker
}
const [b, cb, ob] = [
  circuitBreaker(unopened),
  cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: sampling() }),
  opossum(good),
]
const obad = opossum(bad)
const [s, cs, os] = [bulkhead({ maxConcurrentCalls: 100 }), cockatiel.bulkhead(100), opossum(good, { capacity: 100 })]
const [r, cr] = [retry({ attempts: 2 }), cockatiel.retry(handleAll, { maxAttempts: 2 })]
const [r0, cr0] = [retry({ attempts: 0 }), cockatiel.retry(handleAll, { maxAttempts: 0 })]
const [st, cst] = [ourStack(), cockatielStack()]
const ostack = opossum(good, { capacity: 100, timeout: 10_000 })
const [f, cf, of] = [forced(), isolated(), shut()]
const [fs, cfs, ofs] = [full(), cockatielFull(), opossumFull()]
const rejectedStack = pipeline(
  retry({ attempts: 2, backoff: 1 }),
  f,
  timeLimiter({ timeoutDuration: '10s' }),
  bulkhead({ maxConcurrentCalls: 100 }),
)
const cockatielRejected = cockatiel.wrap(
  cockatiel.retry(
    cockatiel.handleWhen(e => !e.isBrokenCircuitError),
    { maxAttempts: 2 },
  ),
  cf,
  cockatiel.timeout(10_000, TimeoutStrategy.Aggressive),
  cockatiel.bulkhead(100),
)
const once = pipeline(
  retry({ attempts: 0 }),
  circuitBreaker(unopened),
  timeLimiter({ timeoutDuration: '10s' }),
  bulkhead({ maxConcurrentCalls: 100 }),
)
const cockatielOnce = cockatiel.wrap(
  cockatiel.retry(handleAll, { maxAttempts: 0 }),
  cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: sampling() }),
  cockatiel.timeout(10_000, TimeoutStrategy.Aggressive),
  cockatiel.bulkhead(100),
)
const badStack = opossum(bad, { capacity: 100, timeout: 10_000 })

const swallow = promise => promise.then(ignore, ignore)
const ignore = () => {}

/** Each row: what is compared, and one call of it by meshless, cockatiel, opossum. */
const rows = [
  ['breaker, happy', () => b.execute(good), () => cb.execute(good), () => ob.fire()],
  ['breaker, rejected', () => swallow(f.execute(good)), () => swallow(cf.execute(good)), () => swallow(of.fire())],
  ['breaker, failing', () => swallow(b.execute(bad)), () => swallow(cb.execute(bad)), () => swallow(obad.fire())],
  ['bulkhead, happy', () => s.execute(good), () => cs.execute(good), () => os.fire()],
  ['bulkhead, rejected', () => swallow(fs.execute(good)), () => swallow(cfs.execute(good)), () => swallow(ofs.fire())],
  ['bulkhead, failing', () => swallow(s.execute(bad)), () => swallow(cs.execute(bad)), undefined],
  ['retry, happy', () => r.execute(good), () => cr.execute(good), undefined],
  ['retry, failing (no retry left)', () => swallow(r0.execute(bad)), () => swallow(cr0.execute(bad)), undefined],
  ['four policies, happy', () => st.execute(good), () => cst.execute(good), () => ostack.fire()],
  [
    'four policies, rejected',
    () => swallow(rejectedStack.execute(good)),
    () => swallow(cockatielRejected.execute(good)),
    () => swallow(of.fire()),
  ],
  [
    'four policies, failing (no retry left)',
    () => swallow(once.execute(bad)),
    () => swallow(cockatielOnce.execute(bad)),
    () => swallow(badStack.fire()),
  ],
]
const bare = async () => await good()

async function time(call, calls) {
  const start = process.hrtime.bigint()
  for (let i = 0; i < calls; i++) await call()
  return Number(process.hrtime.bigint() - start) / calls
}
/** Bytes that one call leaves to the collector; the least of some short rounds, because a collection in between only takes away. */
async function bytes(call) {
  const samples = []
  for (let round = 0; round < 7; round++) {
    globalThis.gc()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 500; i++) await call()
    samples.push((process.memoryUsage().heapUsed - before) / 500)
  }
  return samples.filter(n => n > 0).sort((x, y) => x - y)[3] ?? Number.NaN
}
const median = list => list.sort((x, y) => x - y)[list.length >> 1]

console.log(`Node ${process.version}; ${cockatielName}, ${opossumName}; ns and bytes per call, a bare async wrapper first\n`)
console.log('| | meshless | cockatiel | opossum |\n|---|---|---|---|')
await time(bare, CALLS)
console.log(`| bare wrapper | ${Math.round(await time(bare, CALLS))} ns, ${Math.round(await bytes(bare))} B | | |`)
for (const [name, ...calls] of rows) {
  const present = calls.filter(Boolean)
  for (const call of present) await time(call, CALLS / 4)
  const times = new Map(present.map(call => [call, []]))
  for (let round = 0; round < ROUNDS; round++) for (const call of present) times.get(call).push(await time(call, CALLS / 4))
  const cells = []
  for (const call of calls)
    cells.push(call === undefined ? '–' : `${Math.round(median(times.get(call)))} ns, ${Math.round(await bytes(call))} B`)
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
for (const breaker of [ob, obad, os, ostack, of, ofs, badStack]) breaker.shutdown()
process.exit(0)
