// What a call costs under each library: time and allocated bytes, as a Markdown table. `npm run bench:peers` from the root installs the peers
// and prints it; `npm run bench:peers -- --write` also puts it into docs/performance.md, each major of Node into its own place.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { median } from './measure.mjs'

const [major] = process.versions.node.split('.').map(Number)
const names = ['meshless', major >= 22 ? 'cockatiel4' : 'cockatiel3', major >= 22 ? 'opossum10' : 'opossum9']
const version = name => JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
const LIBRARIES = ['meshless', 'cockatiel', 'opossum']
const ROWS = [
  'breaker, happy',
  'breaker, rejected',
  'breaker, failing',
  'bulkhead, happy',
  'bulkhead, rejected',
  'bulkhead, failing',
  'retry, happy',
  'retry, failing (no retry left)',
  'four policies, happy',
  'four policies, rejected',
  'four policies, failing (no retry left)',
]
const REPEATS = Number(process.env.REPEATS ?? 5)

const peer = fileURLToPath(new URL('./peer.mjs', import.meta.url))
function figure(what, row, library) {
  // Bytes are what the young space grew by: it must be large enough not to be collected meanwhile.
  const flags = what === 'bytes' ? ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'] : ['--expose-gc']
  const said = execFileSync(process.execPath, [...flags, peer, what, row, library], { encoding: 'utf8' }).trim()
  return said === '' ? undefined : Number(said)
}

/** Median over processes that take turns: how code happens to be compiled and laid out differs from one process to the next. */
function measured(row, libraries) {
  const times = libraries.map(() => [])
  for (let i = 0; i < REPEATS; i++) for (const [k, library] of libraries.entries()) times[k].push(figure('time', row, library))
  return libraries.map((library, k) => {
    const ns = median(times[k])
    return ns === undefined ? '–' : `${ns} ns, ${figure('bytes', row, library)} B`
  })
}

const table = [`| | meshless | cockatiel ${version(names[1])} | opossum ${version(names[2])} |`, '|---|---|---|---|']
table.push(`| a bare async wrapper | ${measured('a bare async wrapper', ['nobody'])} | | |`)
for (const row of ROWS) table.push(`| ${row} | ${measured(row, LIBRARIES).join(' | ')} |`)
table.push(`| memory of a breaker, one of 10,000 | ${LIBRARIES.map(library => `${figure('memory', 'breaker', library)} B`).join(' | ')} |`)

const text = `Node ${process.versions.node}\n\n${table.join('\n')}`
console.log(text)
if (process.argv.includes('--write')) {
  const page = new URL('../../docs/performance.md', import.meta.url)
  const block = new RegExp(`(<!-- peers ${major} -->\n)[\\s\\S]*?(<!-- /peers -->)`)
  const before = readFileSync(page, 'utf8')
  if (!block.test(before)) throw new Error(`docs/performance.md has no place for Node ${major}: <!-- peers ${major} --> … <!-- /peers -->`)
  writeFileSync(
    page,
    before.replace(block, (_, open, close) => `${open}${text}\n${close}`),
  )
}
