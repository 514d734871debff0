// One kind of call under one library, in a process of its own: what the others made the compiler learn does not touch it.
// `node peer.mjs time|bytes <row> <library>` prints one number, `node peer.mjs memory breaker <library>` the bytes of one breaker of 10,000.
import * as meshless from '../../dist/policies.js'
import { ofBreakers, perCallBytes, perCallNs } from './measure.mjs'

const [major] = process.versions.node.split('.').map(Number)
const COCKATIEL = major >= 22 ? 'cockatiel4' : 'cockatiel3'
const OPOSSUM = major >= 22 ? 'opossum10' : 'opossum9'

const good = async () => 42
const never = () => new Promise(() => {})
const down = new Error('down')
let calls = 0
/** Fails 49 times of 50, so that a breaker that opens at a hundred percent counts failures and stays closed. */
const bad = async () => {
  if (++calls % 50 === 0) return 42
  throw down
}
const ignore = () => {}
/** A call that fails is awaited like any other. */
const heard = call => () => call().then(ignore, ignore)
/** A subject whose only slot is taken for good. */
const filled = (subject, call) => {
  void call(subject, never)
  return subject
}

function ofMeshless() {
  const { circuitBreaker, bulkhead, retry, timeLimiter, pipeline } = meshless
  const closed = () => circuitBreaker({ failureRateThreshold: 100 }) // counts the last 100 calls, from the hundredth on
  const open = () => {
    const breaker = circuitBreaker()
    breaker.forceOpen()
    return breaker
  }
  const stack = (attempts, breaker) =>
    pipeline(retry({ attempts }), breaker, timeLimiter({ timeoutDuration: '10s' }), bulkhead({ maxConcurrentCalls: 100 }))
  const executing = (policy, work) => () => policy.execute(work)
  return {
    'breaker, happy': () => executing(closed(), good),
    'breaker, rejected': () => heard(executing(open(), good)),
    'breaker, failing': () => heard(executing(closed(), bad)),
    'bulkhead, happy': () => executing(bulkhead({ maxConcurrentCalls: 100 }), good),
    'bulkhead, rejected': () =>
      heard(
        executing(
          filled(bulkhead({ maxConcurrentCalls: 1 }), (slots, work) => slots.execute(work)),
          good,
        ),
      ),
    'bulkhead, failing': () => heard(executing(bulkhead({ maxConcurrentCalls: 100 }), bad)),
    'retry, happy': () => executing(retry({ attempts: 2 }), good),
    'retry, failing (no retry left)': () => heard(executing(retry({ attempts: 0 }), bad)),
    'four policies, happy': () => executing(stack(2, closed()), good),
    'four policies, rejected': () => heard(executing(stack(2, open()), good)),
    'four policies, failing (no retry left)': () => heard(executing(stack(0, closed()), bad)),
    memory: i => circuitBreaker({}, { name: `breaker ${i}` }),
  }
}

async function ofCockatiel() {
  const cockatiel = await import(COCKATIEL)
  const { handleAll, handleWhen, TimeoutStrategy } = cockatiel
  const closed = () =>
    cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new cockatiel.CountBreaker({ threshold: 0.999, size: 100 }) })
  const open = () => {
    const breaker = closed()
    breaker.isolate()
    return breaker
  }
  const stack = (maxAttempts, breaker) =>
    cockatiel.wrap(
      cockatiel.retry(
        handleWhen(error => !error.isBrokenCircuitError),
        { maxAttempts },
      ),
      breaker,
      cockatiel.timeout(10_000, TimeoutStrategy.Aggressive),
      cockatiel.bulkhead(100),
    )
  const executing = (policy, work) => () => policy.execute(work)
  return {
    'breaker, happy': () => executing(closed(), good),
    'breaker, rejected': () => heard(executing(open(), good)),
    'breaker, failing': () => heard(executing(closed(), bad)),
    'bulkhead, happy': () => executing(cockatiel.bulkhead(100), good),
    'bulkhead, rejected': () =>
      heard(
        executing(
          filled(cockatiel.bulkhead(1), (slots, work) => slots.execute(work)),
          good,
        ),
      ),
    'bulkhead, failing': () => heard(executing(cockatiel.bulkhead(100), bad)),
    'retry, happy': () => executing(cockatiel.retry(handleAll, { maxAttempts: 2 }), good),
    'retry, failing (no retry left)': () => heard(executing(cockatiel.retry(handleAll, { maxAttempts: 0 }), bad)),
    'four policies, happy': () => executing(stack(2, closed()), good),
    'four policies, rejected': () => heard(executing(stack(2, open()), good)),
    'four policies, failing (no retry left)': () => heard(executing(stack(0, closed()), bad)),
    memory: closed,
  }
}

/**
 * A breaker with what else it can do switched on by options; its window is always one of time (10 s in 10 buckets), and it has no retry.
 * Without its percentiles: with them each failure sorts the latencies of the last ten seconds.
 */
async function ofOpossum() {
  const { default: Opossum } = await import(OPOSSUM)
  const breaker = (work, options) =>
    new Opossum(work, {
      timeout: false,
      errorThresholdPercentage: 100,
      resetTimeout: 600_000,
      rollingPercentilesEnabled: false,
      ...options,
    })
  const firing = subject => () => subject.fire()
  const shut = () => {
    const subject = breaker(good)
    subject.open()
    return subject
  }
  const three = { capacity: 100, timeout: 10_000 }
  return {
    'breaker, happy': () => firing(breaker(good)),
    'breaker, rejected': () => heard(firing(shut())),
    'breaker, failing': () => heard(firing(breaker(bad))),
    'bulkhead, happy': () => firing(breaker(good, { capacity: 100 })),
    'bulkhead, rejected': () => heard(firing(filled(breaker(never, { capacity: 1 }), subject => subject.fire()))),
    'bulkhead, failing': () => heard(firing(breaker(bad, { capacity: 100 }))),
    'four policies, happy': () => firing(breaker(good, three)),
    'four policies, rejected': () => heard(firing(shut())),
    'four policies, failing (no retry left)': () => heard(firing(breaker(bad, three))),
    memory: () => breaker(good),
  }
}

function ofNobody() {
  const bare = async (...args) => await good(...args)
  return { 'a bare async wrapper': () => bare }
}

const LIBRARIES = { meshless: ofMeshless, cockatiel: ofCockatiel, opossum: ofOpossum, nobody: ofNobody }

const [what, row, library] = process.argv.slice(2)
const make = (await LIBRARIES[library]())[what === 'memory' ? 'memory' : row]
if (make !== undefined) {
  const figure = what === 'memory' ? await ofBreakers(make) : await (what === 'time' ? perCallNs : perCallBytes)(make())
  console.log(Math.round(figure))
}
process.exit(0)
