/** What a bundler makes of meshless/policies: nobody carries what he does not use. Bytes, so that the bundle does not grow back unseen. */
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import type { Fields } from '../../src/core/schema/index.ts'
import { bulkheadFields } from '../../src/policies/bulkhead/options.ts'
import { circuitBreakerFields } from '../../src/policies/circuit-breaker/options.ts'
import { retryFields } from '../../src/policies/retry/options.ts'
import { timeLimiterFields } from '../../src/policies/time-limiter/options.ts'
import { stripTexts } from '../config/strip-texts.ts'

const STACK =
  "import { bulkhead, circuitBreaker, pipeline, retry, timeLimiter } from 'meshless/policies'\nglobalThis.guard = pipeline(retry(), circuitBreaker(), timeLimiter(), bulkhead())"
const only = (name: string) => `import { ${name} } from 'meshless/policies'\nglobalThis.used = ${name}`

async function bundle(options: BuildOptions): Promise<string> {
  const made = await build({
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'node20',
    logLevel: 'error',
    ...options,
    write: false,
  })
  return made.outputFiles![0]!.text
}

/** The entry as it is published: its modules in one chunk, so that only what is marked as pure can vanish. */
let published = ''
beforeAll(async () => {
  published = await bundle({ entryPoints: ['src/policies/index.ts'], plugins: [stripTexts] })
})

const used = (code: string): Promise<string> =>
  bundle({
    stdin: { contents: code },
    minify: true,
    plugins: [
      {
        name: 'published',
        setup(one) {
          one.onResolve({ filter: /^meshless\/policies$/ }, ({ path }) => ({ path, namespace: 'published', sideEffects: false }))
          one.onLoad({ filter: /./, namespace: 'published' }, () => ({ contents: published }))
        },
      },
    ],
  })
const zipped = (text: string) => gzipSync(text).length

test('the four-policy stack stays small', async () => {
  expect(zipped(await used(STACK))).toBeLessThan(22_100)
})

test('policies that are not used vanish, with their options, errors and rules', async () => {
  const stack = await used(STACK)
  for (const of of [
    'hedge',
    'fallback',
    'rateLimiter',
    'adaptiveConcurrency',
    'limitForPeriod',
    'ERR_SHEDDED',
    'ERR_RATE_LIMITED',
    'BAD_REQUEST',
    'coalesce',
  ])
    expect(stack).not.toContain(of)
  expect(zipped(await used("import 'meshless/policies'"))).toBeLessThan(100)
})

test.each([
  ['isRejection', 500],
  ['bulkhead', 10_700],
  ['timeLimiter', 9_300],
  ['circuitBreaker', 14_200],
  ['retry', 14_200],
])('%s alone stays small', async (name, limit) => {
  expect(zipped(await used(only(name)))).toBeLessThan(limit)
})

test('the texts of options are stripped', () => {
  const texts = (fields: Fields): string[] =>
    Object.values(fields).flatMap(({ text, fields: inner = {}, of = [] }) => [text, ...texts(inner), ...of.map(form => form.text)])
  for (const fields of [bulkheadFields, circuitBreakerFields, retryFields, timeLimiterFields])
    for (const text of texts(fields)) if (text.length > 12) expect(published).not.toContain(text)
})
