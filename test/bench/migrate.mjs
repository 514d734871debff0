// The migration pages of the JavaScript peers: both columns of every pair run, and print what their comments say. `npm run test:peers` from the root.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'

const [major] = process.versions.node.split('.').map(Number)
const isNew = major >= 22
const built = name => [new URL(`../../dist/${name}.js`, import.meta.url).href]
/** The majors of each peer that run on this Node; other names are themselves. */
const NAMES = {
  cockatiel: isNew ? ['cockatiel4', 'cockatiel3'] : ['cockatiel3'],
  got: isNew ? ['got16', 'got14'] : ['got14'],
  opossum: isNew ? ['opossum10', 'opossum9'] : ['opossum9'],
  'p-retry': isNew ? ['p-retry9', 'p-retry7'] : ['p-retry7'],
  meshless: built('index'),
  'meshless/policies': built('policies'),
  'meshless/testing': built('testing'),
}

/** Runs a block with one major of each package that it imports. */
async function run(block, versions) {
  const printed = []
  const log = (...all) =>
    printed.push(all.map(v => (typeof v === 'string' ? v : inspect(v, { breakLength: Infinity, depth: 6 }))).join(' '))
  const load = name => import(versions[name] ?? name)
  const code = block
    .replace(
      /^import (\w+), (\{[^}]+\}) from '([^']+)'$/gm,
      (_, main, names, from) => `const { default: ${main}, ...rest_${main} } = await $load('${from}'); const ${names} = rest_${main}`,
    )
    .replace(/^import (\w+) from '([^']+)'$/gm, (_, name, from) => `const { default: ${name} } = await $load('${from}')`)
    .replace(/^import (\{[^}]+\}) from '([^']+)'$/gm, (_, names, from) => `const ${names} = await $load('${from}')`)
  await new Function('$load', 'console', `return (async () => {${code}\n})()`)(load, { log })
  return printed
}

/** One choice of majors for each major of the first package that has several. */
function choices(block) {
  const names = [...block.matchAll(/ from '([^']+)'$/gm)].map(found => found[1])
  const first = Object.fromEntries(names.filter(name => name in NAMES).map(name => [name, NAMES[name][0]]))
  const varied = names.find(name => NAMES[name]?.length > 1)
  return varied === undefined ? [first] : NAMES[varied].map(version => ({ ...first, [varied]: version }))
}

let failed = 0
for (const page of ['opossum', 'cockatiel', 'axios-retry', 'p-retry', 'got']) {
  const text = readFileSync(new URL(`../../docs/migrate/${page}.md`, import.meta.url), 'utf8')
  for (const section of text.split(/^## /m).slice(1)) {
    const title = section.slice(0, section.indexOf('\n'))
    const blocks = [...section.matchAll(/^```(javascript|js)\n([\s\S]*?)^```/gm)]
    const said = blocks.map(([, , block]) => [...block.matchAll(/\/\/ => (.*)$/gm)].map(m => m[1]))
    // Two columns; other blocks stand for themselves.
    if (section.includes('<table>')) assert.deepEqual(said[0], said[1], `${page}, ${title}: the columns promise different output`)
    for (const [i, [, , block]] of blocks.entries()) {
      for (const versions of choices(block)) {
        const names = Object.values(versions).map(version => version.split('/').at(-1))
        try {
          assert.deepEqual(await run(block, versions), said[i])
          console.log(`ok    ${page}, ${title}: ${names.join(', ')}`)
        } catch (error) {
          failed++
          console.log(`FAIL  ${page}, ${title}: ${names.join(', ')}\n${error.stack}`)
        }
      }
    }
  }
}
process.exit(failed === 0 ? 0 : 1)
