/**
 * The admin API as a function from request to reply: which addresses there are, which of them write, and what each is for. Reads are open
 * to whoever reaches the loopback; writes need the token and are written down.
 */
import { TIGHT, type Trust } from '../../core/source.ts'
import type { AdminOptions } from '../../mesh/admin-options.ts'
import { MESH_EVENTS, type MeshEvents } from '../../mesh/events.ts'
import { explain } from '../../mesh/explain.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import { snapshotOf } from '../../mesh/snapshot.ts'
import { Access } from './access.ts'
import { Audit } from './audit.ts'
import { fields } from './body.ts'
import * as control from './control.ts'
import { redacted } from './redact.ts'
import { AdminError, type AdminReply, type AdminRequest, failure, ok } from './reply.ts'
import * as rules from './rules.ts'

interface Around {
  readonly core: MeshCore
  readonly trust: Trust
  readonly audit: Audit
  /** The right token was presented. */
  readonly whole: boolean
}

interface Address {
  readonly method: string
  /** Segments; those that begin with a colon stand for any. */
  readonly path: string
  readonly text: string
  readonly writes?: true
  answer(request: AdminRequest, around: Around): AdminReply | Promise<AdminReply>
}

const ADDRESSES: readonly Address[] = [
  {
    method: 'GET',
    path: '/',
    text: 'this list',
    answer: () => ok({ addresses: ADDRESSES.map(({ method, path, text }) => ({ method, path, text })) }),
  },
  { method: 'GET', path: '/rules', text: 'all rules, as a List', answer: (r, { core, whole }) => rules.list(core, r, whole) },
  {
    method: 'PUT',
    path: '/rules',
    text: 'replaces the applied rules as a whole',
    writes: true,
    answer: (r, { core, trust }) => rules.replace(core, r, trust),
  },
  {
    method: 'PATCH',
    path: '/rules',
    text: 'creates, replaces and ($delete: true) deletes single documents',
    writes: true,
    answer: (r, { core, trust }) => rules.patch(core, r, trust),
  },
  { method: 'GET', path: '/rules/:kind', text: 'the rules of a kind', answer: (r, { core, whole }) => rules.list(core, r, whole) },
  { method: 'GET', path: '/rules/:kind/:namespace/:name', text: 'one document', answer: (r, { core, whole }) => rules.one(core, r, whole) },
  {
    method: 'PUT',
    path: '/rules/:kind/:namespace/:name',
    text: 'creates or replaces one document',
    writes: true,
    answer: (r, { core, trust }) => rules.put(core, r, trust),
  },
  {
    method: 'PATCH',
    path: '/rules/:kind/:namespace/:name',
    text: 'merges into one document (RFC 7396)',
    writes: true,
    answer: (r, { core, trust }) => rules.merge(core, r, trust),
  },
  {
    method: 'DELETE',
    path: '/rules/:kind/:namespace/:name',
    text: 'deletes one document',
    writes: true,
    answer: (r, { core }) => rules.remove(core, r),
  },
  {
    method: 'POST',
    path: '/plan',
    text: 'what PUT /rules (with ?patch: PATCH /rules) would change',
    answer: (r, { core, trust }) => rules.plan(core, r, trust),
  },
  {
    method: 'POST',
    path: '/explain',
    text: '{ method?, url, headers? }: what would happen to a request, and why',
    answer: (r, { core, whole }) => ok(veiled(explained(core, r), whole)),
  },
  { method: 'GET', path: '/snapshot', text: 'clusters, endpoints, policies, counters', answer: (_, { core }) => ok(snapshotOf(core)) },
  {
    method: 'GET',
    path: '/config',
    text: "the rules in Envoy's form",
    answer: (_, { core, whole }) => ok(veiled(core.rules.compiled.config, whole)),
  },
  {
    method: 'GET',
    path: '/diagnostics',
    text: 'what was said about the rules in force',
    answer: (_, { core }) => ok({ diagnostics: core.diagnostics }),
  },
  {
    method: 'GET',
    path: '/history',
    text: 'the versions that are kept',
    answer: (_, { core }) => ok({ version: core.rules.version, versions: core.rules.history }),
  },
  {
    method: 'POST',
    path: '/rollback',
    text: '{ version }: brings an earlier version back',
    writes: true,
    answer: (r, { core }) => rollback(core, r),
  },
  {
    method: 'GET',
    path: '/events',
    text: 'events as they happen (text/event-stream); ?types=ejection,applied',
    answer: (r, { core }) => events(core, r),
  },
  {
    method: 'POST',
    path: '/control/breaker',
    text: '{ cluster, action: forceOpen | open | close | reset | disable, for? }',
    writes: true,
    answer: (r, { core }) => control.breaker(core, r),
  },
  {
    method: 'POST',
    path: '/control/eject',
    text: '{ cluster, address, for? }: takes an endpoint out',
    writes: true,
    answer: (r, { core }) => control.eject(core, r, true),
  },
  {
    method: 'POST',
    path: '/control/uneject',
    text: '{ cluster, address }: takes it back',
    writes: true,
    answer: (r, { core }) => control.eject(core, r, false),
  },
  {
    method: 'POST',
    path: '/control/weight',
    text: '{ virtualService, route?, weights } or { cluster, address, weight }',
    writes: true,
    answer: (r, { core, trust }) => control.weight(core, r, trust),
  },
  { method: 'GET', path: '/audit', text: 'who changed what', answer: (_, { audit }) => ok({ entries: audit.entries }) },
]

const SHAPES = ADDRESSES.map(address => ({ address, shape: address.path.split('/').filter(Boolean) }))

/** Makes the API of a mesh. The function it gives never throws. */
export function adminApi(core: MeshCore, options: Omit<AdminOptions, 'port'> = {}): (request: AdminRequest) => Promise<AdminReply> {
  const access = new Access(options.token, options.hosts ?? [])
  const audit = new Audit()
  const trust = options.trust ?? TIGHT
  return async request => {
    let writing = false
    let reply: AdminReply
    let error: AdminError | undefined
    try {
      access.host(request)
      const address = addressOf(request)
      writing = address.writes === true
      if (writing) access.write(request)
      reply = await address.answer(request, { core, trust, audit, whole: access.trusted(request) })
    } catch (thrown) {
      error =
        thrown instanceof AdminError ? thrown : new AdminError(500, 'internal', thrown instanceof Error ? thrown.message : String(thrown))
      reply = failure(error)
    }
    if (writing) {
      const action = `${request.method} /${request.segments.join('/')}`
      const entry = { at: core.settings.clock.wall(), from: request.from, action, status: reply.status, version: core.rules.version }
      audit.add(error === undefined ? entry : { ...entry, error: error.message })
    }
    return reply
  }
}

function addressOf(request: AdminRequest): Address {
  const { segments } = request
  const here = SHAPES.filter(
    ({ shape }) => shape.length === segments.length && shape.every((part, at) => part.startsWith(':') || part === segments[at]),
  )
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const found = here.find(({ address }) => address.method === method)
  if (found !== undefined) return found.address
  const path = `/${segments.join('/')}`
  if (here.length === 0) throw new AdminError(404, 'no-such-address', `there is no ${path}`, { hint: 'GET / lists what there is' })
  const allow = here.map(({ address }) => address.method).join(', ')
  throw new AdminError(405, 'wrong-method', `${path} takes ${allow}`, { headers: { allow } })
}

const veiled = (value: unknown, whole: boolean): unknown => (whole ? value : redacted(value))

function explained(core: MeshCore, request: AdminRequest): unknown {
  const { url, method, headers } = fields(request, ['url'], ['method', 'headers'])
  try {
    return explain(core, { url, ...(method !== undefined && { method }), ...(headers !== undefined && { headers }) })
  } catch (error) {
    throw new AdminError(400, 'wrong-request', (error as Error).message, { hint: 'url: e.g. http://reviews:9080/x; headers: a map' })
  }
}

async function rollback(core: MeshCore, request: AdminRequest): Promise<AdminReply> {
  const { version } = fields(request, ['version'], [])
  if (!Number.isInteger(version)) throw new AdminError(400, 'wrong-body', 'version is a whole number')
  return rules.result(await core.rules.rollback(version))
}

function events(core: MeshCore, request: AdminRequest): AdminReply {
  const asked = request.query.get('types')?.split(',') ?? MESH_EVENTS
  for (const type of asked)
    if (!MESH_EVENTS.includes(type as keyof MeshEvents))
      throw new AdminError(400, 'unknown-event', `no event ${JSON.stringify(type)}`, { hint: `one of ${MESH_EVENTS.join(', ')}` })
  return {
    status: 200,
    headers: {},
    stream(send) {
      const off = (asked as (keyof MeshEvents)[]).map(type => core.events.on(type, event => send(type, plain(event))))
      send('hello', { version: core.rules.version })
      return () => {
        for (const stop of off) stop()
      }
    },
  }
}

/** Errors have no enumerable members; their message is what matters. */
function plain(event: object): object {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, value instanceof Error ? value.message : value]))
}
