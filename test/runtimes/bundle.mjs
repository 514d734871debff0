// The tests as one file that a runtime can load: `globalThis.runTests(report, only)`. They are the tests of `npm test`, on the sources.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = path.join(here, '../..')

/** What runs everywhere, and what needs sockets of Node. */
const EVERYWHERE = ['base', 'core', 'policies', 'compositions', 'issues', 'testing', 'traffic', 'mesh']
const WITH_SOCKETS = [...EVERYWHERE, 'faults']

/** Files about something else than the code under test. */
const ELSEWHERE = /docs\.test\.ts$|peer|^test\/issues\/index\.test\.ts$/

function tests(folders) {
  return folders
    .flatMap(folder => readdirSync(path.join(root, 'test', folder), { recursive: true }).map(file => `test/${folder}/${file}`))
    .map(file => file.replaceAll(path.sep, '/'))
    .filter(file => file.endsWith('.test.ts') && !ELSEWHERE.test(file))
    .sort()
}

/** Where `sockets` is false nothing of Node is there, and the transport is that over fetch. */
export async function bundleTests({ outfile, sockets, cases = [], worker = false }) {
  const files = [
    ...(sockets ? tests(WITH_SOCKETS) : tests(EVERYWHERE).filter(file => !/\/(node-|write-batching)[^/]*$/.test(file))),
    ...cases,
  ]
  const lines = files.map(file => `file(${JSON.stringify(file)}, () => import(${JSON.stringify(path.join(root, file))}))`)
  const replaced = {
    vitest: path.join(here, 'harness/vitest.ts'),
    '#transport': path.join(root, `src/traffic/transport/${sockets ? 'node' : 'fetch'}.ts`),
    '#admin': path.join(root, `src/ops/admin/${sockets ? 'index' : 'unavailable'}.ts`),
    meshless: path.join(root, 'src/index.ts'),
    'meshless/policies': path.join(root, 'src/policies/index.ts'),
    'meshless/testing': path.join(root, 'src/testing/index.ts'),
  }
  await build({
    stdin: {
      // Loaded when the tests run: workers allow no timer before.
      contents: `globalThis.runTests = async (report, only) => {
  const { file, runFiles } = await import('vitest')
  ${lines.join('\n  ')}
  await runFiles(report, only)
}
${worker ? "export { default } from './harness/worker.ts'" : ''}`,
      resolveDir: here,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: sockets ? 'node' : 'browser',
    target: 'es2022',
    conditions: sockets ? ['node', 'module'] : ['browser', 'module'],
    mainFields: ['module', 'main'],
    nodePaths: [path.join(here, 'node_modules'), path.join(root, 'node_modules'), path.join(root, 'node_modules/vitest/node_modules')],
    logLevel: 'error',
    banner: sockets ? { js: "import { createRequire } from 'node:module'; const require = createRequire(process.cwd() + '/x.js');" } : {},
    plugins: [
      {
        name: 'runtime',
        setup(one) {
          one.onResolve({ filter: /^(vitest|#transport|#admin|meshless(\/\w+)?)$/ }, ({ path: name }) =>
            replaced[name] === undefined ? undefined : { path: replaced[name] },
          )
          // Tests read files beside them, and use globals of Node.
          one.onLoad({ filter: /\/test\/.*\.ts$/ }, ({ path: name }) => {
            if (name.startsWith(path.join(here, 'harness'))) return undefined
            const text = readFileSync(name, 'utf8')
            const globals = sockets
              ? []
              : ['Buffer', 'process', 'setImmediate'].filter(global => new RegExp(`(?<![.\\w'])${global}\\b(?!\\??:)`).test(text))
            const before = globals.length === 0 ? '' : `import { ${globals.join(', ')} } from '${here}harness/globals.ts'\n`
            return { contents: before + text.replaceAll('import.meta.url', JSON.stringify(String(pathToFileURL(name)))), loader: 'ts' }
          })
          if (sockets) return
          one.onResolve({ filter: /^(util|timers|timers\/promises)$/ }, () => ({ path: path.join(here, 'harness/empty.cjs') })) // fake-timers asks for them
          one.onResolve({ filter: /^(node:.*|axios|undici)$/ }, ({ path: name }) => ({ path: name, namespace: 'missing' }))
          one.onLoad({ filter: /./, namespace: 'missing' }, ({ path: name }) => ({
            contents: substitute(name),
            resolveDir: here,
            loader: 'ts',
          }))
        },
      },
    ],
  })
  return files.length
}

/** A module that the runtime does not have: each name that our files import from it skips the test that touches it. */
function substitute(name) {
  const files = ['src', 'test'].flatMap(folder =>
    readdirSync(path.join(root, folder), { recursive: true }).map(file => path.join(root, folder, String(file))),
  )
  const imports = new RegExp(`import (?:\\w+,? ?)?\\{([^}]*)\\} from '${name}'`, 'g')
  const names = new Set()
  for (const file of files)
    if (file.endsWith('.ts') && !file.includes('node_modules'))
      for (const [, list] of readFileSync(file, 'utf8').matchAll(imports))
        for (const one of list.split(','))
          names.add(
            one
              .trim()
              .replace(/^type /, '')
              .split(' as ')[0],
          )
  names.delete('')
  names.delete('getEventListeners')
  const lines = [...names].map(one => `export const ${one} = missing(${JSON.stringify(`${one} of ${name}`)})`)
  if (name === 'node:events') lines.push("export { getEventListeners } from './harness/globals.ts'")
  return `import { missing } from './harness/missing.ts'\nexport default missing(${JSON.stringify(name)})\n${lines.join('\n')}`
}
