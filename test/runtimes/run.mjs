// The tests in other runtimes: `npm run test:runtimes [-- NAME…] [--only FILE] [--require]`. What is absent is skipped, loudly; with
// --require, or in CI with RUNTIMES=all, that is an error. What a runtime is known not to do is in known.mjs, with its reason.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bundleTests } from './bundle.mjs'
import { bundlers } from './bundlers.mjs'
import { startServer } from './harness/server.mjs'
import { reasonFor, unused } from './known.mjs'
import { chromium } from './runtimes/chromium.mjs'
import { processes } from './runtimes/processes.mjs'
import { workerd } from './runtimes/workerd.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    require: { type: 'boolean', default: process.env.RUNTIMES === 'all' },
    verbose: { type: 'boolean', default: false },
  },
})
const wanted = name => positionals.length === 0 || positionals.some(part => name.toLowerCase().includes(part.toLowerCase()))
const runtimes = [...processes, chromium, workerd].filter(({ name }) => wanted(name))

const folder = mkdtempSync(path.join(os.tmpdir(), 'meshless-runtimes-'))
const server = await startServer()
const cases = ['test/runtimes/cases/web.ts']
const absent = []
let failed = 0

try {
  const built = new Map()
  const bundleFor = async ({ sockets, worker = false }) => {
    const outfile = path.join(folder, `${sockets ? 'sockets' : 'web'}${worker ? '-worker' : ''}.mjs`)
    if (!built.has(outfile)) built.set(outfile, bundleTests({ outfile, sockets, cases, worker }))
    await built.get(outfile)
    return outfile
  }

  for (const runtime of runtimes) {
    let found
    try {
      found = await runtime.find()
    } catch (error) {
      absent.push(runtime.name)
      console.log(`SKIPPED  ${runtime.name}: ${error.message}`)
      continue
    }
    const counts = { passed: 0, failed: 0, skipped: 0, known: 0 }
    const began = performance.now()
    const report = result => {
      const reason = result.state === 'failed' ? reasonFor(runtime.name, result) : undefined
      const state = reason === undefined ? result.state : 'known'
      counts[state]++
      if (state === 'failed' || values.verbose) console.log(`  ${state}  ${result.file} > ${result.name}\n    ${result.reason ?? ''}`)
    }
    await runtime.run(found, { bundle: await bundleFor(runtime), server: server.url, only: values.only, report })
    const stale = values.only === '' ? unused(runtime.name) : []
    for (const entry of stale) console.log(`  known.mjs says of ${runtime.name} what no longer fails: ${entry}`)
    if (counts.passed === 0) console.log('  no test has passed')
    const bad = counts.failed > 0 || stale.length > 0 || counts.passed === 0
    if (bad) failed++
    const took = ((performance.now() - began) / 1000).toFixed(0)
    console.log(
      `${bad ? 'FAILED  ' : 'ok      '} ${runtime.name} ${found.version}: ${counts.passed} passed, ${counts.failed} failed, ${counts.known} known not to hold, ${counts.skipped} skipped; ${took} s`,
    )
  }
  if (wanted('bundlers') && values.only === '') failed += await bundlers(absent)
} finally {
  server.close()
  rmSync(folder, { recursive: true, force: true })
}

if (absent.length > 0) {
  console.log(`\nNOT TESTED: ${absent.join(', ')}`)
  if (values.require) failed++
}
process.exit(failed === 0 ? 0 : 1)
