// The main job on real input: bookinfo's services as child processes on loopback, governed by the Istio YAML beside this file.
// Each step says what it expects and what it saw; the first difference makes the exit code 1.
//   npm start                       the walk through
//   npm start -- --rules FILE       governs your own YAML instead: explains and counts its hosts
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createMesh, outcomeOf } from '../../dist/index.js'
import { seededRandom } from '../../dist/testing.js'
import { writeReport } from './report.mjs'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const colour = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

const at = process.argv.indexOf('--rules')
if (at >= 0) await governOwn(process.argv[at + 1])
else await walk()

async function walk() {
  const began = Date.now()
  const report = { steps: [], events: [], series: [] }
  let failed = 0

  // Each service is a process of its own with its own mesh.
  const wanted = [
    { id: 'productpage', service: 'productpage', version: 'v1', calls: 'details,reviews' },
    { id: 'details', service: 'details', version: 'v1', calls: '' },
    { id: 'reviews-v1', service: 'reviews', version: 'v1', calls: '' },
    { id: 'reviews-v2', service: 'reviews', version: 'v2', calls: 'ratings' },
    { id: 'reviews-v3', service: 'reviews', version: 'v3', calls: 'ratings' },
    { id: 'ratings-v1', service: 'ratings', version: 'v1', calls: '' },
    { id: 'ratings-v2', service: 'ratings', version: 'v2', calls: '' },
  ]
  const children = new Map()
  let messages = 0
  const tell = (id, message) =>
    new Promise(resolve => {
      const child = children.get(id).process
      const number = ++messages
      const listener = answer => {
        if (answer.done !== number) return
        child.off('message', listener)
        resolve()
      }
      child.on('message', listener)
      child.send({ ...message, id: number })
    })
  await Promise.all(
    wanted.map(
      w =>
        new Promise(resolve => {
          const child = fork(here('./service.mjs'), [], { env: { ...process.env, SERVICE: w.service, VERSION: w.version, CALLS: w.calls } })
          children.set(w.id, { ...w, process: child })
          child.once('message', ({ port }) => {
            children.get(w.id).port = port
            resolve()
          })
        }),
    ),
  )

  // services.yaml has a placeholder where each process's port goes.
  const ports = Object.fromEntries([...children].map(([id, c]) => [id.toUpperCase().replaceAll('-', '_'), c.port]))
  const read = file => readFileSync(here(`./${file}`), 'utf8').replace(/\$\{(\w+)\}/g, (_, name) => String(ports[name] ?? `\${${name}}`))
  const services = read('services.yaml')
  const rules = (...files) => [services, ...files.map(read)].join('\n---\n')

  const mesh = createMesh({ rules: rules(), workload: { namespace: 'default', labels: { app: 'demo' } }, random: seededRandom(42) })
  await mesh.ready({ timeout: '5s' })
  await Promise.all([...children.values()].filter(c => c.calls !== '').map(c => tell(c.id, { rules: rules('chain-canary.yaml') })))
  mesh.on('ejection', e => report.events.push({ ms: Date.now() - began, what: `ejected ${name(e.endpoint)}` }))
  mesh.on('unejection', e => report.events.push({ ms: Date.now() - began, what: `returned ${name(e.endpoint)}` }))
  const name = address => [...children.values()].find(c => address.endsWith(`:${c.port}`))?.id ?? address

  const apply = async (...files) => {
    const result = await mesh.apply(rules(...files))
    if (!result.accepted) throw new Error(`the rules were refused: ${JSON.stringify(result.errors, null, 2)}`)
  }
  const ask = async (host = 'reviews', headers = {}) => {
    const started = performance.now()
    const response = await mesh.fetch(`http://${host}:9080/${host}`, { headers })
    const text = await response.text()
    const one = {
      status: response.status,
      version: response.headers.get('x-version') ?? '-',
      flags: outcomeOf(response).flags,
      ms: performance.now() - started,
      text,
      attempts: outcomeOf(response).attempts,
      retryAfter: response.headers.get('retry-after'),
    }
    report.series.push({ ms: Date.now() - began, host, version: one.version, status: one.status, took: one.ms })
    return one
  }
  const many = async (n, host, headers, concurrency = 4) => {
    const results = []
    let left = n
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (left-- > 0) results.push(await ask(host, headers))
      }),
    )
    return results
  }
  const count = (results, key = r => r.version) => results.reduce((c, r) => Object.assign(c, { [key(r)]: (c[key(r)] ?? 0) + 1 }), {})
  const figures = counts =>
    Object.entries(counts)
      .sort()
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')

  async function step(title, expected, run) {
    const started = Date.now()
    let saw
    let ok = false
    try {
      const result = await run()
      ok = result.ok
      saw = result.saw
    } catch (error) {
      saw = `broke: ${error.stack ?? error}`
    }
    if (!ok) failed++
    report.steps.push({ title, expected, saw, ok, from: started - began, to: Date.now() - began })
    console.log(`${ok ? paint(32, '✓') : paint(31, '✗')} ${paint(1, title)}\n    expected  ${expected}\n    saw       ${saw}`)
  }

  console.log(`${paint(1, 'bookinfo under Istio rules, without a sidecar')}: ${children.size} processes on loopback\n`)

  await step('round robin', 'three versions in equal turns', async () => {
    await apply('round-robin.yaml')
    const c = count(await many(30, 'reviews', {}, 1))
    return { ok: c.v1 === 10 && c.v2 === 10 && c.v3 === 10, saw: figures(c) }
  })

  for (const [file, v1, v2] of [
    ['canary-90-10.yaml', 90, 10],
    ['canary-50-50.yaml', 50, 50],
    ['canary-0-100.yaml', 0, 100],
  ])
    await step(`canary ${v1}:${v2}`, `${v1} % v1 and ${v2} % v2, changed while traffic flows, no request lost`, async () => {
      const traffic = many(100, 'reviews', {}, 4)
      await apply(file)
      const during = await traffic
      const c = count(await many(400))
      const share = ((c.v2 ?? 0) / 400) * 100
      const lost = during.filter(r => r.status !== 200).length
      return {
        ok: Math.abs(share - v2) <= 6 && lost === 0 && (v1 > 0 || c.v1 === undefined),
        saw: `${figures(c)} of 400; ${lost} lost in the change`,
      }
    })

  await step('1:99 with one process of each version', 'about 1 % v2, without a hundred replicas', async () => {
    await apply('one-in-hundred.yaml')
    const c = count(await many(1000, 'reviews', {}, 8))
    return { ok: c.v2 >= 2 && c.v2 <= 22, saw: `${figures(c)} of 1000` }
  })

  await step('A/B for end-user: jason', 'jason gets v2 always, everybody else v1', async () => {
    await apply('ab-jason.yaml')
    const jason = count(await many(20, 'reviews', { 'end-user': 'jason' }))
    const others = count(await many(20))
    return { ok: jason.v2 === 20 && others.v1 === 20, saw: `jason: ${figures(jason)}; others: ${figures(others)}` }
  })

  await step('blue-green, and back', 'all on one version at each moment, switched at once', async () => {
    await apply('blue.yaml')
    const blue = count(await many(20))
    await apply('green.yaml')
    const green = count(await many(20))
    await apply('blue.yaml')
    const back = count(await many(20))
    return { ok: blue.v1 === 20 && green.v3 === 20 && back.v1 === 20, saw: `${figures(blue)} → ${figures(green)} → ${figures(back)}` }
  })

  await step('canary along the whole chain', 'x-canary reaches reviews v3 and, behind it, ratings v2; others v2 and v1', async () => {
    await apply('chain-canary.yaml')
    const chain = async headers => {
      const page = JSON.parse((await ask('productpage', headers)).text)
      const reviews = page.calls.find(c => c.service === 'reviews')
      return `reviews ${reviews?.version} → ratings ${reviews?.calls?.[0]?.version}`
    }
    const canary = await chain({ 'x-canary': 'true' })
    const normal = await chain({})
    return { ok: canary === 'reviews v3 → ratings v2' && normal === 'reviews v2 → ratings v1', saw: `canary: ${canary}; normal: ${normal}` }
  })

  await step('abort under a condition', 'jason gets 500 "fault filter abort", others 200', async () => {
    await apply('fault-abort.yaml')
    const jason = await ask('ratings', { 'end-user': 'jason' })
    const other = await ask('ratings')
    return {
      ok: jason.status === 500 && jason.text === 'fault filter abort' && jason.flags === 'FI' && other.status === 200,
      saw: `jason: ${jason.status} ${jason.text} (${jason.flags}); others: ${other.status}`,
    }
  })

  await step('delay under a condition', 'jason waits 300 ms, others do not', async () => {
    await apply('fault-delay.yaml')
    const jason = await ask('ratings', { 'end-user': 'jason' })
    const other = await ask('ratings')
    return {
      ok: jason.ms >= 299 && jason.status === 200 && other.ms < 200,
      saw: `jason: ${jason.ms.toFixed(0)} ms; others: ${other.ms.toFixed(0)} ms`,
    }
  })

  await step('pool limits', 'of 10 at once one gets the only connection, the others find its queue full: 503 UO at once', async () => {
    await apply('pool-limits.yaml')
    await tell('details', { behaviour: { delay: 150 } })
    const burst = await Promise.all(Array.from({ length: 10 }, () => ask('details')))
    await tell('details', { behaviour: {} })
    const refused = burst.filter(r => r.flags === 'UO')
    const slowest = Math.max(...refused.map(r => r.ms))
    return {
      ok: burst.filter(r => r.status === 200).length + refused.length === 10 && refused.length >= 8 && slowest < 100,
      saw: `${figures(count(burst, r => `${r.status}${r.flags && ` ${r.flags}`}`))}; refused within ${slowest.toFixed(0)} ms`,
    }
  })

  await step(
    'a bad endpoint is ejected, longer each time, and taken back',
    'reviews-v2 out after 3 errors for one base time, the second time for two',
    async () => {
      await apply('outlier.yaml')
      const spells = []
      let since
      const offs = [
        mesh.on('ejection', e => {
          if (name(e.endpoint) === 'reviews-v2') since = performance.now()
        }),
        mesh.on('unejection', e => {
          if (name(e.endpoint) === 'reviews-v2' && since !== undefined) spells.push(performance.now() - since)
        }),
      ]
      await tell('reviews-v2', { behaviour: { status: 503 } })
      for (const end = Date.now() + 8000; spells.length < 2 && Date.now() < end; ) {
        await many(6, 'reviews', {}, 2)
        await sleep(40)
      }
      await tell('reviews-v2', { behaviour: {} })
      for (const off of offs) off()
      return {
        ok: spells.length === 2 && spells[1] > spells[0] * 1.4,
        saw: `out for ${spells.map(s => `${(s / 1000).toFixed(1)} s`).join(', then ')}`,
      }
    },
  )

  await step('panic mode', 'with two of three ejected (below minHealthPercent 50) all are asked again', async () => {
    await apply('panic.yaml')
    await tell('reviews-v1', { behaviour: { status: 503 } })
    await tell('reviews-v2', { behaviour: { status: 503 } })
    await many(60, 'reviews', {}, 1)
    const out = Object.entries(mesh.snapshot().clusters).find(([c]) => c === 'outbound|9080||reviews.default.svc.cluster.local')[1]
    const c = count(await many(30, 'reviews', {}, 1))
    await tell('reviews-v1', { behaviour: {} })
    await tell('reviews-v2', { behaviour: {} })
    const ejected = out.endpoints.filter(e => e.health === 'ejected').length
    const panics = mesh.snapshot().clusters['outbound|9080||reviews.default.svc.cluster.local'].stats.lb_healthy_panic ?? 0
    return {
      ok: ejected === 2 && panics > 0 && c.v1 > 0 && c.v2 > 0,
      saw: `${ejected} ejected; ${figures(c)}; chosen in panic ${panics} times`,
    }
  })

  await step(
    'a breaker opens, fails fast, probes, closes',
    'CLOSED → OPEN after failures, no call through, HALF_OPEN after its wait, CLOSED by good probes',
    async () => {
      await apply('breaker.yaml')
      const key = 'ratings.default.svc.cluster.local||9080'
      const states = [mesh.breaker(key).state]
      await tell('ratings-v1', { behaviour: { status: 500 } })
      await tell('ratings-v2', { behaviour: { status: 500 } })
      await many(12, 'ratings', {}, 1)
      states.push(mesh.breaker(key).state)
      const fast = await ask('ratings')
      await tell('ratings-v1', { behaviour: {} })
      await tell('ratings-v2', { behaviour: {} })
      await sleep(700)
      await ask('ratings')
      states.push(mesh.breaker(key).state)
      await many(4, 'ratings', {}, 1)
      states.push(mesh.breaker(key).state)
      return {
        ok: states.join() === 'CLOSED,OPEN,HALF_OPEN,CLOSED' && fast.status === 503 && fast.ms < 50,
        saw: `${states.join(' → ')}; refused in ${fast.ms.toFixed(1)} ms with ${fast.status}, retry-after ${fast.retryAfter}`,
      }
    },
  )

  await step('fallback', 'an empty list with 200 while ratings is down', async () => {
    await apply('fallback.yaml')
    await tell('ratings-v1', { behaviour: { status: 500 } })
    await tell('ratings-v2', { behaviour: { status: 500 } })
    const one = await ask('ratings')
    await tell('ratings-v1', { behaviour: {} })
    await tell('ratings-v2', { behaviour: {} })
    const well = await ask('ratings')
    return {
      ok: one.status === 200 && one.text === '[]' && well.version !== '-',
      saw: `down: ${one.status} ${one.text}; up: ratings ${well.version}`,
    }
  })

  await mesh.close()
  for (const child of children.values()) child.process.kill()
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  const place = writeReport(report)
  console.log(
    `\n${report.steps.length - failed} of ${report.steps.length} steps as expected, ${report.series.length} requests, ${seconds} s\nreport: ${place}`,
  )
  process.exitCode = failed === 0 ? 0 : 1
}

/** Governs the user's own rules: what they say of each host, and ten requests to each. */
async function governOwn(file) {
  if (file === undefined) {
    console.error('usage: npm start -- --rules FILE.yaml')
    process.exitCode = 2
    return
  }
  let mesh
  try {
    mesh = createMesh({ rules: readFileSync(file, 'utf8') })
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
    return
  }
  for (const d of mesh.diagnostics) console.log(`${d.severity}: ${d.line === undefined ? '' : `line ${d.line}: `}${d.message}`)
  await mesh.ready({ timeout: '10s' })
  for (const { port, hosts } of mesh.snapshot().routes)
    for (const host of hosts.filter(h => h !== '*')) {
      const url = `http://${host.replace('*', 'any')}:${port}/`
      console.log(`\n${paint(1, url)}`)
      const e = mesh.explain({ url })
      console.log(`  route ${e.route || '(unnamed)'}`)
      for (const d of e.destinations) {
        console.log(`  ${d.percent.toFixed(0)} % ${d.cluster}`)
        for (const p of d.endpoints) console.log(`      ${p.address} ${p.why}`)
      }
      for (const w of e.warnings) console.log(`  warning: ${w}`)
      const seen = {}
      for (let i = 0; i < 10; i++) {
        const response = await mesh
          .fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5000) })
          .catch(error => ({ status: String(error.message), text() {} }))
        await response.text()
        const o = outcomeOf(response)
        const key = `${response.status}${o?.flags ? ` ${o.flags}` : ''} ${o?.endpoint ?? ''}`
        seen[key] = (seen[key] ?? 0) + 1
      }
      for (const [key, n] of Object.entries(seen)) console.log(`  ${n}x ${key}`)
    }
  await mesh.close()
}
