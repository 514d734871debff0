// What a bundler makes of the four-policy stack.
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { printed, row } from './measure.mjs'

export async function bundled(code) {
  const made = await build({
    stdin: { contents: code, resolveDir: new URL('../../', import.meta.url).pathname },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    write: false,
    logLevel: 'error',
  })
  return gzipSync(made.outputFiles[0].text).length
}

export default async function rows() {
  const stack = await bundled(
    "import { bulkhead, circuitBreaker, pipeline, retry, timeLimiter } from './dist/policies.js'\nglobalThis.guard = pipeline(retry(), circuitBreaker(), timeLimiter(), bulkhead())",
  )
  const nothing = await bundled("import './dist/policies.js'")
  const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`
  return [
    row('the four-policy stack in a bundle, gzip', kB(stack), '<= 12 kB', stack <= 12_000),
    row('nothing used of meshless/policies, gzip', kB(nothing), '0', nothing < 100),
  ]
}
await printed(rows, import.meta)
