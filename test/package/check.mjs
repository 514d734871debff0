// The package as its users get it: packed, installed in an empty folder without a network, and used from ESM, CommonJS and TypeScript.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { descriptions } from '../config/declarations/descriptions.mjs'
import { bundle, PLATFORMS, PROGRAMS, runInWeb } from './bundles.mjs'
import { editorShows } from './editor.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'meshless-consumer-'))
const run = (file, args, cwd = folder) => execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const write = (name, text) => writeFileSync(path.join(folder, name), text)

async function check(what, job) {
  try {
    await job()
    console.log(`ok   ${what}`)
  } catch (error) {
    console.log(`FAIL ${what}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.stdout === undefined ? error.stack : ''}`)
    process.exitCode = 1
  }
}
const described = await descriptions(root)
const same = (saw, wanted) => {
  if (saw !== wanted) throw new Error(`saw ${JSON.stringify(saw)}, expected ${JSON.stringify(wanted)}`)
}

try {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root))
  mkdirSync(path.join(folder, 'node_modules/meshless'), { recursive: true })
  run('tar', ['-xzf', filename, '-C', 'node_modules/meshless', '--strip-components=1'])
  write('package.json', JSON.stringify({ name: 'consumer', private: true }))

  // The README's blocks, as they stand there.
  const blocks = [...readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(/^```js\n([\s\S]*?)^```/gm)].map(m => m[1])
  for (const [i, block] of blocks.entries()) {
    const wanted = `${[...block.matchAll(/\/\/ => (.*)$/gm)].map(m => m[1]).join('\n')}\n`
    write(`readme-${i}.mjs`, block)
    write(`readme-${i}.cjs`, `(async () => {\n${block.replace(/^import (\{[^}]+\}) from '([^']+)'$/gm, "const $1 = require('$2')")}\n})()`)
    await check(`README block ${i + 1}, ESM`, () => same(run('node', [`readme-${i}.mjs`]), wanted))
    await check(`README block ${i + 1}, CommonJS`, () => same(run('node', [`readme-${i}.cjs`]), wanted))
  }

  // A real server, governed from each module system; and one core for all entries of a format.
  const governs = load => `
${load}
const http = require('node:http')
const server = http.createServer((request, response) => response.end(request.headers['x-canary'] ?? 'none')).listen(0, '127.0.0.1', async () => {
  const mesh = createMesh({ rules: [
    { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: 's' }, spec: { hosts: ['s.test'], resolution: 'STATIC', location: 'MESH_INTERNAL',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], endpoints: [{ address: '127.0.0.1', ports: { http: server.address().port } }] } },
    { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 's' }, spec: { hosts: ['s.test'],
      http: [{ headers: { request: { set: { 'x-canary': 'yes' } } }, route: [{ destination: { host: 's.test' } }] }] } } ] })
  const response = await mesh.fetch('http://s.test/')
  console.log(response.status, await response.text(), outcomeOf(response).details, outcomeOf(response).attempts)
  await mesh.close()
  server.close()
  const opened = await policies.fallback(e => e).execute(() => { throw new CircuitOpenError('x') })
  console.log(policies.isRejection(opened), opened instanceof policies.CircuitOpenError, typeof testing.virtualClock)
})`
  const wanted = '200 yes via_upstream 1\ntrue true function\n'
  write(
    'govern.mjs',
    governs(
      "import { createRequire } from 'node:module'\nimport { createMesh, outcomeOf, CircuitOpenError } from 'meshless'\nimport * as policies from 'meshless/policies'\nimport * as testing from 'meshless/testing'\nconst require = createRequire(import.meta.url)",
    ),
  )
  write(
    'govern.cjs',
    governs(
      "const { createMesh, outcomeOf, CircuitOpenError } = require('meshless')\nconst policies = require('meshless/policies')\nconst testing = require('meshless/testing')",
    ),
  )
  await check('governs a real server, ESM', () => same(run('node', ['govern.mjs']), wanted))
  await check('governs a real server, CommonJS', () => same(run('node', ['govern.cjs']), wanted))
  await check('errors are recognised across module systems', () => {
    write(
      'both.mjs',
      "import { createRequire } from 'node:module'\nimport { isRejection } from 'meshless'\nconst { CircuitOpenError } = createRequire(import.meta.url)('meshless/policies')\nconsole.log(isRejection(new CircuitOpenError('x')))",
    )
    same(run('node', ['both.mjs']), 'true\n')
  })

  // Types, without skipLibCheck.
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const options = { strict: true, noEmit: true, skipLibCheck: false, target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext' }
  write(
    'mesh.mts',
    "import { createMesh, outcomeOf } from 'meshless'\nconst mesh = createMesh({ rules: '' })\nexport const flags: string | undefined = outcomeOf(await mesh.fetch('http://x/'))?.flags\n",
  )
  write(
    'policies.mts',
    "import { circuitBreaker, pipeline, retry } from 'meshless/policies'\nexport const answer: Promise<number> = pipeline(retry(), circuitBreaker()).execute(async () => 1)\n",
  )
  const compiles = (what, files, extra) =>
    check(`types: ${what}`, () => {
      write('tsconfig.json', JSON.stringify({ compilerOptions: { ...options, ...extra }, files }))
      run('node', [tsc, '-p', '.'])
    })
  await compiles('lib DOM', ['mesh.mts'], { lib: ['es2022', 'dom'], types: [] })
  await compiles('/policies with neither DOM nor Node types', ['policies.mts'], { lib: ['es2022'], types: [] })
  for (const name of ['@types/node', 'undici-types']) cpSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name), { recursive: true })
  await compiles('@types/node', ['mesh.mts'], { lib: ['es2022'], types: ['node'] })

  for (const ending of ['mts', 'cts']) {
    // The inference that the sources promise, of the declarations that are shipped.
    const promised = readFileSync(path.join(root, 'test/types.test-d.ts'), 'utf8').replace(/'\.\.\/src\/policies\/index\.ts'/, "'meshless/policies'")
    write(`inference.${ending}`, promised)
    await compiles(`inference, .${ending}`, [`inference.${ending}`], { lib: ['es2022', 'dom'], types: [] })
    await check(`an editor shows every option with its meaning and default, .${ending}`, () => editorShows(folder, `editor.${ending}`, described))
  }

  await check('types: for TypeScript before 5.7 too, whose Uint8Array takes no parameter', () => {
    const dist = path.join(folder, 'node_modules/meshless/dist')
    for (const file of readdirSync(dist, { recursive: true }).filter(f => /\.d\.c?ts$/.test(f)))
      if (readFileSync(path.join(dist, file), 'utf8').includes('Uint8Array<')) throw new Error(`${file} has Uint8Array<…>`)
  })

  for (const [platform, options] of Object.entries(PLATFORMS))
    for (const [program, { code, answer }] of Object.entries(PROGRAMS))
      await check(`bundles without Node: ${program}, ${platform}`, async () => same(await runInWeb(await bundle(folder, code, options)), answer))

  const cli = path.join(folder, 'node_modules/meshless/dist/cli.js')
  await check('the command makes a starter that is valid, with its schema beside it', () => {
    run('node', [cli, 'init', 'rules.yaml'])
    run('node', [cli, 'validate', 'rules.yaml'])
    const [, schema] = /\$schema=(\S+)/.exec(readFileSync(path.join(folder, 'rules.yaml'), 'utf8'))
    JSON.parse(readFileSync(path.join(folder, schema), 'utf8'))
  })
  await check('the command says what is wrong, and where', () => {
    write('wrong.yaml', 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: x }\nspec: { hosts: [x.test], http: [{ timeout: 5 }] }\n')
    try {
      run('node', [cli, 'validate', 'wrong.yaml'])
    } catch (error) {
      if (error.status !== 1 || !/wrong\.yaml:4:\d+/.test(error.stdout + error.stderr)) throw error
      return
    }
    throw new Error('it was content')
  })
  await check('ships its licences and no source map', () => {
    const files = readdirSync(path.join(folder, 'node_modules/meshless'), { recursive: true })
    for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md', 'LICENSES']) if (!files.includes(name)) throw new Error(`${name} is missing`)
    const readme = readFileSync(path.join(folder, 'node_modules/meshless/README.md'), 'utf8')
    for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      if (!files.includes(path.normalize(target))) throw new Error(`README.md links to ${target}, which is not packed`)
    const odd = files.filter(f => /\.map$|^src|^test/.test(f))
    if (odd.length > 0) throw new Error(`also packed: ${odd.join(', ')}`)
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
