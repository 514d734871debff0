/** What is mutated, with the tests that have to notice. `src` entries are below src/, `tests` below test/; each may be a glob. */
const policy = (name, files = ['kernel'], tests = []) => ({
  src: files.map(file => `policies/${name}/${file}.ts`),
  tests: [`policies/${name}/**/*.test.ts`, ...tests],
})

export const GROUPS = {
  'circuit-breaker': policy(
    'circuit-breaker',
    ['kernel', 'windows', 'transitions', 'wait'],
    ['conformance/resilience4j/breaker*.test.ts', 'issues/*.test.ts', 'base/stats/windows.test.ts'],
  ),
  bulkhead: policy('bulkhead', ['kernel', 'line'], ['conformance/resilience4j/bulkhead.test.ts', 'issues/limits.test.ts']),
  'rate-limiter': policy(
    'rate-limiter',
    ['kernel', 'cycles', 'rate', 'sliding-window', 'smooth', 'token-bucket', 'warm-up'],
    ['conformance/resilience4j/rate-limiter*.test.ts', 'issues/limits.test.ts'],
  ),
  retry: policy(
    'retry',
    ['kernel', 'budget', 'intervals', 'retry-after', 'retry-on', 'classify'],
    ['conformance/resilience4j/{retry,intervals}.test.ts', 'issues/f-hedging-retry.test.ts'],
  ),
  'adaptive-concurrency': policy(
    'adaptive-concurrency',
    ['kernel', 'aimd', 'drop', 'gradient2', 'limit', 'vegas', 'windowed'],
    ['conformance/resilience4j/concurrency-limits.test.ts'],
  ),
  cache: policy('cache', ['kernel', 'key'], ['conformance/resilience4j/cache.test.ts']),
  collapse: policy('collapse'),
  command: policy('command', ['kernel'], ['conformance/resilience4j/hystrix*.test.ts']),
  fallback: policy('fallback'),
  'fault-injector': policy('fault-injector'),
  hedge: policy('hedge', ['kernel'], ['issues/f-hedging-retry.test.ts']),
  'load-shedding': policy('load-shedding'),
  keyed: policy('keyed', ['entries']),
  stats: { src: ['base/stats/*.ts'], tests: ['base/stats/*.test.ts', 'policies/hedge/*.test.ts'] },
  outlier: {
    src: ['traffic/upstream/outlier/*.ts'],
    tests: ['traffic/upstream/outlier/*.test.ts', 'traffic/upstream/factories/outlier-detector.test.ts'],
  },
  pool: {
    src: ['traffic/upstream/pool/*.ts'],
    tests: ['traffic/upstream/pool/*.test.ts', 'traffic/upstream/factories/connection-pool.test.ts'],
  },
  'retry-state': {
    src: ['traffic/engine/retries.ts'],
    tests: ['traffic/engine/*.test.ts'],
  },
  balance: {
    src: ['traffic/upstream/balance/{edf,maglev,ring-hash,slow-start,weights,least-request,by-turn}.ts'],
    tests: ['traffic/upstream/balance/*.test.ts', 'traffic/upstream/{load-balancer,hash}.test.ts'],
  },
  health: { src: ['traffic/upstream/health/kernel.ts'], tests: ['traffic/upstream/health/*.test.ts'] },
}
