// What the mesh costs a request beside sending it: match, route, pick, admit, settle. The transport is a fake that answers in the next
// microtask; its own cost, measured in the same rounds, is taken off. The engine's door below fetch is not public, so the sources are bundled here.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { perCall, printed, row } from './measure.mjs'

async function engine() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'meshless-'))
  const outfile = path.join(folder, 'engine.mjs')
  const entry = new URL('../../src/mesh/mesh.ts', import.meta.url)
  await build({
    entryPoints: [entry.pathname],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    external: ['node:*'],
    target: 'node20',
    logLevel: 'error',
    conditions: ['browser', 'module', 'import'],
    mainFields: ['module', 'main'],
  })
  const made = await import(pathToFileURL(outfile))
  rmSync(folder, { recursive: true })
  return made.MeshCore
}

/** Rules for `hosts` virtual hosts with `routes` routes each, and one service of `endpoints` behind the one that is asked. */
function rules(hosts, routes, endpoints) {
  const name = i => `s${i}.test`
  const http = host => [
    ...Array.from({ length: routes - 1 }, (_, i) => ({
      match: [{ uri: { prefix: `/api/v${i}/` }, headers: { 'x-tenant': { exact: `t${i}` } } }],
      route: [{ destination: { host } }],
    })),
    {
      route: [
        { destination: { host, subset: 'a' }, weight: 90 },
        { destination: { host, subset: 'b' }, weight: 10 },
      ],
      timeout: '5s',
      retries: { attempts: 2, perTryTimeout: '2s' },
    },
  ]
  return Array.from({ length: hosts }, (_, i) => [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: `s${i}` },
      spec: {
        hosts: [name(i)],
        resolution: 'STATIC',
        location: 'MESH_INTERNAL',
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        endpoints: Array.from({ length: i === 0 ? endpoints : 2 }, (_, k) => ({
          address: i === 0 ? `11.0.${k >> 8}.${k & 255}` : `10.${i >> 8}.${i & 255}.${k + 1}`,
          labels: { v: k % 2 ? 'a' : 'b' },
        })),
      },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: `s${i}` },
      spec: {
        host: name(i),
        subsets: [
          { name: 'a', labels: { v: 'a' } },
          { name: 'b', labels: { v: 'b' } },
        ],
        trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 }, connectionPool: { http: { http2MaxRequests: 1000 } } },
      },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: `s${i}` },
      spec: { hosts: [name(i)], http: http(name(i)) },
    },
  ]).flat()
}

const body = { length: 0, read: reader => reader.end(), pause() {}, resume() {}, cancel() {} }
const response = () => ({ status: 200, statusText: 'OK', headers: ['content-type', 'text/plain', 'content-length', '0'], body })

/** Connects and answers in the next microtask. */
const instant = () => ({
  connect(_target, listener) {
    let stream
    const answer = () => {
      stream.response(response())
      stream.complete()
      listener.available(connection)
    }
    const connection = {
      concurrency: 1,
      send(_request, to) {
        stream = to
        queueMicrotask(answer)
        return { cancel() {} }
      },
      drain() {},
      destroy() {},
    }
    queueMicrotask(() => listener.connected(connection))
    return connection
  },
})

const headers = [
  'accept',
  '*/*',
  'accept-language',
  '*',
  'sec-fetch-mode',
  'cors',
  'user-agent',
  'node',
  'accept-encoding',
  'gzip, deflate',
  'authorization',
  'Bearer abc',
]
const request = () => ({
  method: 'GET',
  scheme: 'http',
  authority: 's0.test',
  path: '/orders/17?full=true',
  headers,
  body: undefined,
  signal: undefined,
})

/** The fake alone: what is taken off. */
function bare() {
  let connection
  let free
  const transport = instant()
  connection = transport.connect({}, { connected() {}, available() {} })
  return () =>
    new Promise(resolve => {
      free = resolve
      connection.send(
        { method: 'GET', path: '/', authority: '', scheme: 'http', headers, body: undefined },
        { response: r => free(r), complete() {}, reset() {} },
      )
    })
}

export default async function rows() {
  const MeshCore = await engine()
  const made = (hosts, routes, endpoints) => {
    const core = new MeshCore({ rules: rules(hosts, routes, endpoints), discovery: { unlisted: 'none' } }, instant())
    return () => core.handle(request())
  }
  const shapes = {
    '10 hosts': [10, 20, 50],
    '100 hosts': [100, 20, 50],
    '1,000 hosts': [1000, 20, 50],
    '10 endpoints': [100, 20, 10],
    '1,000 endpoints': [100, 20, 1000],
    '1 route': [100, 1, 50],
  }
  const subjects = { bare: bare(), ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, made(...shape)])) }
  const cost = await perCall(subjects, { calls: 20_000, rounds: 7 })
  const us = name => (cost[name] - cost.bare) / 1000
  const main = us('100 hosts')
  const others = ['10 hosts', '1,000 hosts', '10 endpoints', '1,000 endpoints', '1 route']
    .map(name => `${name} ${us(name).toFixed(2)}`)
    .join(', ')
  return [
    row(
      'decision cost of the mesh per request, 100 virtual hosts, 20 routes, 50 endpoints',
      `${main.toFixed(2)} us (${others})`,
      '<= 2 us',
      main <= 2,
    ),
    row('bytes allocated per decision', `${Math.round(await bytesPerCall(subjects['100 hosts']))} B`, ''),
  ]
}

/** Bytes that one call leaves for the collector, as far as the heap shows between two looks. */
async function bytesPerCall(subject, calls = 2000) {
  const runs = []
  for (let i = 0; i < 15; i++) {
    const before = process.memoryUsage().heapUsed
    for (let k = 0; k < calls; k++) await subject()
    const grown = process.memoryUsage().heapUsed - before
    if (grown > 0) runs.push(grown / calls) // negative: collected meanwhile
  }
  return runs.toSorted((a, b) => a - b)[runs.length >> 1] ?? Number.NaN
}

await printed(rows, import.meta)
