/**
 * Generated rules of a source that is trusted less, beside rules of the program: requests for
 * hosts that the source is not trusted with go as if it were not there, and whatever it names, no
 * request of its hosts ends at a forbidden address. A few hundred here; many by `npm run test:fuzz`.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMesh, type Mesh, TIGHT, type Trust } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/index.ts'
import { entry, listen, routes, rule, sourceOf, to } from '../mesh/less-trusted.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60)
const seed = Number(process.env['FUZZ_SEED'] ?? 20260827)

const METADATA = '169.254.169.254'
const OWN = ['a.shop.test', 'b.shop.test', '*.shop.test']
const FOREIGN = [
  'bank.test',
  'api.bank.test',
  '*.bank.test',
  '*.test',
  '*',
  'bank',
  'meta.test',
  'sock.test',
  '10.0.0.5',
  'BANK.test.',
  'unlisted.test',
]
const NAMES = ['bank.test', 'api.bank.test', 'part', 'part', 'x', 'y']
const APPS = ['bank', 'shop']

/** Rules of the program: services of every kind, a delegate, policies, a split. */
const PROGRAM = [
  entry('bank.test', { endpoints: undefined, workloadSelector: { labels: { app: 'bank' } } }),
  rule('WorkloadEntry', 'bank-1', { address: '10.0.0.5', labels: { app: 'bank' } }),
  rule('WorkloadEntry', 'shop-1', { address: METADATA, labels: { app: 'shop' } }),
  routes('bank.test', {
    name: 'main',
    match: [{ uri: { prefix: '/d' } }],
    delegate: { name: 'part' },
  }),
  entry('api.bank.test', { resolution: 'DNS', endpoints: undefined }),
  routes('api.bank.test', { name: 'api', ...to('api.bank.test'), timeout: '5s' }),
  entry('meta.test', { endpoints: [{ address: METADATA }] }),
  entry('sock.test', { endpoints: [{ address: 'unix:///run/a.sock' }] }),
  entry('a.shop.test', { endpoints: [{ address: '10.0.0.1' }] }),
  entry('none.shop.test', { resolution: 'NONE', endpoints: undefined }),
  routes('b.shop.test', to('b.shop.test')),
]
const RESOLVED: Record<string, string[]> = { 'evil.shop.test': [METADATA, 'fe80::1'], 'evil.test': ['169.254.43.7', '::ffff:a9fe:a9fe'] }

const pick = fc.constantFrom
const host = (own: boolean) => (own ? pick(...OWN) : fc.oneof(pick(...OWN), pick(...FOREIGN)))
const address = pick(
  METADATA,
  '0xa9fea9fe',
  'fe80::1',
  '64:ff9b::a9fe:a9fe',
  'unix:///run/b.sock',
  '10.0.0.1',
  '10.0.0.5',
  'evil.shop.test',
  'evil.test',
  'a.shop.test',
)
const app = pick(...APPS)

const services = (own: boolean) =>
  fc
    .record({
      hosts: fc.array(host(own), { minLength: 1, maxLength: 2 }),
      resolution: pick('STATIC', 'DNS', 'NONE', 'DNS_ROUND_ROBIN'),
      endpoints: fc.option(fc.array(fc.record({ address }), { minLength: 1, maxLength: 2 }), { nil: undefined }),
      selected: fc.option(app, { nil: undefined }),
      protocol: pick('HTTP', 'HTTP', 'HTTP', 'TCP', 'MONGO', 'HTTPS'),
      addresses: fc.option(fc.array(pick('10.0.0.5', '10.0.0.77', METADATA), { minLength: 1, maxLength: 1 }), { nil: undefined }),
    })
    .map(({ selected, protocol, ...spec }) => ({
      kind: 'ServiceEntry' as const,
      spec: {
        ...spec,
        ports: [{ number: 80, name: 'p', protocol }],
        ...(selected !== undefined && { endpoints: undefined, workloadSelector: { labels: { app: selected } } }),
      },
    }))

const destinationOf = (own: boolean) => fc.record({ destination: fc.record({ host: host(own) }) })
const httpOf = (own: boolean) =>
  fc.oneof(
    fc.record({ name: pick('main', 'api', 'default'), route: fc.array(destinationOf(own), { minLength: 1, maxLength: 1 }) }),
    fc.record({ route: fc.array(destinationOf(own), { minLength: 1, maxLength: 1 }), mirror: fc.record({ host: host(own) }) }),
    fc.record({ redirect: fc.record({ authority: fc.oneof(host(own), address) }) }),
    fc.record({ route: fc.array(destinationOf(own), { minLength: 1, maxLength: 1 }), rewrite: fc.record({ authority: host(own) }) }),
    fc.record({ delegate: fc.record({ name: pick(...NAMES) }) }),
    fc.record({
      directResponse: fc.record({ status: pick(202, 302, 307) }),
      headers: fc.record({
        response: fc.record({ set: fc.record({ location: fc.oneof(address, host(own)).map(to => `http://${to}/`) }) }),
      }),
    }),
  )

const documents = (own: boolean) =>
  fc.array(
    fc
      .tuple(
        pick(...NAMES),
        fc.oneof(
          services(own),
          fc.record({ address, labels: fc.record({ app }) }).map(spec => ({ kind: 'WorkloadEntry' as const, spec })),
          fc
            .record({
              hosts: fc.option(fc.array(host(own), { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 1 }),
              http: fc.array(httpOf(own), { minLength: 1, maxLength: 2 }),
            })
            .map(spec => ({ kind: 'VirtualService' as const, spec })),
          fc.record({ host: host(own), simple: pick('PASSTHROUGH', 'RANDOM', 'ROUND_ROBIN') }).map(({ simple, ...spec }) => ({
            kind: 'DestinationRule' as const,
            spec: { ...spec, trafficPolicy: { loadBalancer: { simple } } },
          })),
          fc
            .record({
              targets: fc.array(
                fc.oneof(
                  pick<unknown>('*', { route: 'main' }, { route: 'api' }, { route: 'default' }, { route: 'allow_any' }),
                  fc.record({ host: host(own) }),
                ),
                {
                  minLength: 1,
                  maxLength: 2,
                },
              ),
              fallback: fc.oneof(
                fc.constant({ directResponse: { status: 203 } }),
                fc.record({ destination: fc.record({ host: host(own) }) }),
              ),
            })
            .map(spec => ({ kind: 'ResiliencePolicy' as const, spec })),
          fc
            .record({
              mode: pick('ALLOW_ANY', 'REGISTRY_ONLY'),
              hosts: fc.array(
                host(own).map(name => `*/${name}`),
                { minLength: 1, maxLength: 2 },
              ),
            })
            .map(({ mode, hosts }) => ({ kind: 'Sidecar' as const, spec: { outboundTrafficPolicy: { mode }, egress: [{ hosts }] } })),
        ),
      )
      .map(([name, { kind, spec }]) => rule(kind, name, spec)),
    { minLength: 1, maxLength: 4 },
  )

/** What requests of a mesh come to: what is dialed, what is sent, what is answered. */
async function tried(urls: readonly string[], low: object[], trust: Trust, lowFirst: boolean) {
  const dialed: string[] = []
  const upstreams = fakeTransport({ '*': { status: 503, headers: { location: `http://${METADATA}/` } } })
  const program = sourceOf('program', PROGRAM, undefined)
  const bounded = sourceOf('low', low, trust)
  const mesh: Mesh = createMesh({
    sources: lowFirst ? [bounded, program] : [program, bounded],
    random: () => 0.3,
    discovery: { resolver: { resolve: async name => (RESOLVED[name] ?? ['10.0.0.9']).map(at => ({ address: at })) } },
    transport: {
      connect(target, listener) {
        dialed.push(target.address, ...(target.others ?? []))
        return upstreams.connect(target, listener)
      },
    },
  })
  listen(mesh)
  const problem = await mesh.ready().then(
    () => undefined,
    error => error,
  )
  await mesh.apply([]) // both sources have had their turn
  const answers: unknown[] = []
  for (const url of urls) {
    const before = [dialed.length, upstreams.requests.length] as const
    const status = await mesh.fetch(url).then(
      response => response.status,
      error => error.cause?.code ?? error.message,
    )
    const sent = upstreams.requests
      .slice(before[1])
      .map(({ endpoint, method, path, authority, headers }) => [endpoint, method, path, authority, headers])
    answers.push({ url, status, dialed: dialed.slice(before[0]), sent })
  }
  await mesh.close()
  return { answers, dialed, problem }
}

const FOREIGN_URLS = [
  'bank.test/',
  'bank.test/d',
  'api.bank.test/',
  'meta.test/',
  'sock.test/',
  'x.bank.test/',
  'unlisted.test/',
  '10.0.0.5/',
].map(at => `http://${at}`)

test('hosts that a source is not trusted with are untouched', async () => {
  let accepted = 0
  const alone = await tried(FOREIGN_URLS, [], {}, false)
  await fc.assert(
    fc.asyncProperty(
      documents(true),
      documents(false),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      async (own, any, mix, first) => {
        const { answers, problem } = await tried(FOREIGN_URLS, mix < 0.7 ? own : any, { hosts: ['*.shop.test', 'shop.test'] }, first)
        if (problem === undefined) accepted++
        expect(answers).toEqual(alone.answers)
      },
    ),
    { numRuns: RUNS, seed },
  )
  expect(accepted).toBeGreaterThan(RUNS / 20)
}, 3_600_000)

const OWN_URLS = ['a.shop.test/', 'b.shop.test/', 'evil.shop.test/', 'none.shop.test/', 'y.shop.test/'].map(at => `http://${at}`)

test('no request for hosts of a bounded source ends at a forbidden address', async () => {
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(documents(false), fc.boolean(), async (low, first) => {
      const { dialed, problem } = await tried(OWN_URLS, low, TIGHT, first)
      if (problem === undefined) accepted++
      // Hosts that no rule names are looked up by the system: the caller's own doing.
      const harmless = /^(?:10\.0\.0\.\d+|[a-z]+\.shop\.test):80$/
      if (problem === undefined) expect(dialed.filter(at => !harmless.test(at))).toEqual([])
    }),
    { numRuns: RUNS, seed },
  )
  expect(accepted).toBeGreaterThan(RUNS / 20)
}, 3_600_000)
