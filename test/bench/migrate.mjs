// The migration pages of the JavaScript peers: both columns of every pair run, and print what their comments say. `npm run test:peers` from the root.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'

const [major] = process.versions.node.split('.').map(Number)
/** The newest major of each peer that runs on this Node. */
const NAMES = {
  opossum: major >= 22 ? ['opossum10', 'opossum9'] : ['opossum9'],
  cockatiel: major >= 22 ? ['cockatiel4', 'cockatiel3'] : ['cockatiel3'],
  'meshless/policies': [new URL('../../dist/policies.js', import.meta.url).href],
}

async function run(block, from) {
  const printed = []
  const log = (...all) =>
    printed.push(all.map(v => (typeof v === 'string' ? v : inspect(v, { breakLength: Infinity, depth: 6 }))).join(' '))
  const code = block
    .replace(/^import (\w+) from '[^']+'$/gm, (_, name) => `const ${name} = peer.default`)
    .replace(/^import (\{[^}]+\}) from '[^']+'$/gm, (_, names) => `const ${names} = peer`)
  await new Function('peer', 'console', `return (async () => {${code}\n})()`)(await import(from), { log })
  return printed
}

let failed = 0
for (const page of ['opossum', 'cockatiel']) {
  const text = readFileSync(new URL(`../../docs/migrate/${page}.md`, import.meta.url), 'utf8')
  for (const section of text.split(/^## /m).slice(1)) {
    const title = section.slice(0, section.indexOf('\n'))
    const blocks = [...section.matchAll(/^```(javascript|js)\n([\s\S]*?)^```/gm)]
    const said = blocks.map(([, , block]) => [...block.matchAll(/\/\/ => (.*)$/gm)].map(m => m[1]))
    if (said.length === 2) assert.deepEqual(said[0], said[1], `${page}, ${title}: the columns promise different output`)
    for (const [i, [, , block]] of blocks.entries()) {
      const [, name] = /from '([^']+)'/.exec(block)
      for (const from of NAMES[name]) {
        try {
          assert.deepEqual(await run(block, from), said[i])
          console.log(`ok    ${page}, ${title}: ${from.split('/').at(-1)}`)
        } catch (error) {
          failed++
          console.log(`FAIL  ${page}, ${title}: ${from}\n${error.stack}`)
        }
      }
    }
  }
}
process.exit(failed === 0 ? 0 : 1)
