// workerd, the runtime of Cloudflare's Workers: the tests in one request, and what several requests share.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../node_modules/.bin/workerd', import.meta.url))
const FILE = 'test/runtimes/harness/worker.ts'

const freePort = () =>
  new Promise(resolve => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

export const workerd = {
  name: 'workerd',
  sockets: false,
  worker: true,
  async find() {
    if (!existsSync(file)) throw new Error('no workerd: npm --prefix test/runtimes ci')
    return { version: execFileSync(file, ['--version'], { encoding: 'utf8' }).replace('workerd', '').trim() }
  },
  async run(_, { bundle, server, only, report }) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'meshless-workerd-'))
    const port = await freePort()
    writeFileSync(path.join(folder, 'worker.capnp'), configuration(path.relative(folder, bundle), server, port))
    const child = spawn(file, ['serve', '-I', path.dirname(bundle), path.join(folder, 'worker.capnp')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const out of [child.stdout, child.stderr])
      out.on('data', text => {
        said = (said + text).slice(-4000)
      })
    const origin = `http://127.0.0.1:${port}`
    try {
      await reached(origin, () => said)
      await readLines(await fetch(`${origin}/run?only=${encodeURIComponent(only)}`), report)
      if (FILE.includes(only)) await acrossRequests(origin, report)
    } catch (error) {
      report({ file: '', name: 'the worker', state: 'failed', reason: `${error.stack}\n${said}` })
    } finally {
      if (process.env.WORKERD_SAYS) console.log(said)
      child.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

const configuration = (bundle, server, port) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker), (name = "internet", network = (allow = ["private"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ],
);
const worker :Workerd.Worker = (
  modules = [ (name = "worker", esModule = embed "${bundle}") ],
  bindings = [ (name = "SERVER", text = "${server}") ],
  compatibilityDate = "2026-11-01",
);
`

async function reached(origin, said) {
  for (let i = 0; i < 100; i++) {
    try {
      await (await fetch(`${origin}/global`)).text()
      return
    } catch {
      await pause(100)
    }
  }
  throw new Error(`workerd does not answer\n${said()}`)
}

async function readLines(response, report) {
  let left = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (left + text).split('\n')
    left = lines.pop()
    for (const line of lines) report(JSON.parse(line))
  }
}

/** What only several requests show: timers end there with the request that set them. */
async function acrossRequests(origin, report) {
  const ask = async (at, options) => (await fetch(`${origin}${at}`, options)).text()
  const test = async (name, run, wanted) => {
    const seen = await run().catch(error => String(error))
    const [state, reason] = seen === wanted ? ['passed'] : ['failed', `expected ${wanted}, saw ${seen}`]
    report({ file: FILE, name, state, ...(reason === undefined ? {} : { reason }) })
  }
  await test('a mesh is made outside of any request', () => ask('/global'), 'BlackHoleCluster,PassthroughCluster')
  await test('a worker answers with a response of the mesh', () => ask('/proxy?path=/slow?ms=1'), 'slow')
  await test(
    'a time limit fires in each request',
    async () => (await Promise.all([ask('/limit'), ask('/limit')])).join(),
    'ERR_TIME_LIMIT,ERR_TIME_LIMIT',
  )
  await test(
    'a time limit fires after the request that set the first one was given up',
    async () => {
      await ask('/limit', { signal: AbortSignal.timeout(20) }).catch(() => {})
      return ask('/limit')
    },
    'ERR_TIME_LIMIT',
  )
  await test(
    'an open breaker goes on when its wait is over, in whatever request',
    async () => {
      const open = await ask('/breaker/open')
      await pause(150)
      return `${open} ${await ask('/breaker')}`
    },
    'OPEN HALF_OPEN',
  )
  await test(
    'a request waits for the slot of another one',
    async () => (await Promise.all([ask('/slot?ms=50'), ask('/slot?ms=1')])).join(),
    'had it,had it',
  )
  await test(
    'a request waits for the connection of another one',
    async () => (await Promise.all([ask('/mesh?path=/slow?ms=50'), ask('/mesh?path=/slow?ms=1')])).join(),
    '200 slow,200 slow',
  )
  await test(
    'requests for the same answer share one fetch',
    async () => {
      const path = '/mesh?path=/counted?key=shared%26ms=100'
      return (await Promise.all([ask(path), ask(path), ask(path)])).join()
    },
    '200 1,200 1,200 1',
  )
  await test(
    'a follower has its answer though the client of the leader left',
    async () => {
      const path = '/mesh?path=/slow?ms=301'
      const left = ask(path, { signal: AbortSignal.timeout(50) }).catch(() => 'left')
      await pause(20)
      const follower = await ask(path, { signal: AbortSignal.timeout(2000) }).catch(error => error.name)
      return `${await left}, ${follower}`
    },
    'left, 200 slow',
  )
  await test(
    'an ejected endpoint comes back though the request that ejected it is over',
    async () => {
      const failed = await ask('/mesh?path=/status?code=500')
      const before = await ask('/health')
      await pause(300)
      await ask('/health')
      return [failed, before, await ask('/health')].join(', ')
    },
    '500 status, ejected 0, healthy 0',
  )
  await test(
    'a slot comes back when the client leaves and the worker waits for the work',
    async () => {
      await ask('/slot/kept', { signal: AbortSignal.timeout(50) }).catch(() => {})
      return ask('/slot?ms=1')
    },
    'had it',
  )
  await test(
    'a slot comes back when the client leaves',
    async () => {
      await ask('/slot?ms=300', { signal: AbortSignal.timeout(50) }).catch(() => {})
      return ask('/slot?ms=1', { signal: AbortSignal.timeout(2000) })
    },
    'had it',
  )
}
