/** What the admin API serves: each endpoint with its method, what it reads, and who may ask for it. */
import type { Trust } from '../../core/source.ts'
import { explain } from '../../mesh/explain.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import { snapshotOf } from '../../mesh/snapshot.ts'
import type { Audit } from './audit.ts'
import { fields } from './body.ts'
import * as control from './control.ts'
import type { StreamCounts } from './event-streams.ts'
import { events } from './events.ts'
import type { BodyFormat } from './media-type.ts'
import { cleaned } from './redact.ts'
import { redactConfig } from './redact-config.ts'
import { redactDiagnostic, redactExplanation, redactSnapshot } from './redact-reports.ts'
import { AdminError, type AdminReply, ok } from './reply.ts'
import type { AdminRequest } from './request.ts'
import * as rules from './rules.ts'

export interface Context {
  readonly core: MeshCore
  readonly trust: Trust
  readonly audit: Audit
  /** Whether the right token was presented: then nothing is hidden. */
  readonly trusted: boolean
  readonly streams: StreamCounts
}

export interface Endpoint {
  readonly method: string
  /** Segments that begin with a colon match any. */
  readonly path: string
  readonly text: string
  /** Whether it needs the token. */
  readonly needsToken?: true
  /** Whether it changes something, and so is written down. */
  readonly writes?: true
  /** Whether it takes a whole connection, which pages of other origins may not. */
  readonly streams?: true
  /** What its body may be written in. Absent: it reads none. */
  readonly body?: BodyFormat
  answer(request: AdminRequest, context: Context): AdminReply | Promise<AdminReply>
}

const write = { needsToken: true, writes: true } as const

export const ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/',
    text: 'this list',
    answer: (_, { streams }) => ok({ addresses: ENDPOINTS.map(listed), events: streams }),
  },
  {
    method: 'GET',
    path: '/rules',
    text: 'all rules, as a List',
    answer: (request, { core, trusted }) => rules.list(core, request, trusted),
  },
  {
    method: 'PUT',
    path: '/rules',
    text: 'replaces the applied rules as a whole',
    ...write,
    body: 'yaml',
    answer: (request, { core, trust }) => rules.replace(core, request, trust),
  },
  {
    method: 'PATCH',
    path: '/rules',
    text: 'creates, replaces and ($delete: true) deletes single documents',
    ...write,
    body: 'yaml',
    answer: (request, { core, trust }) => rules.patch(core, request, trust),
  },
  {
    method: 'GET',
    path: '/rules/:kind',
    text: 'the rules of a kind',
    answer: (request, { core, trusted }) => rules.list(core, request, trusted),
  },
  {
    method: 'GET',
    path: '/rules/:kind/:namespace/:name',
    text: 'one document',
    answer: (request, { core, trusted }) => rules.one(core, request, trusted),
  },
  {
    method: 'PUT',
    path: '/rules/:kind/:namespace/:name',
    text: 'creates or replaces one document',
    ...write,
    body: 'yaml',
    answer: (request, { core, trust }) => rules.put(core, request, trust),
  },
  {
    method: 'PATCH',
    path: '/rules/:kind/:namespace/:name',
    text: 'merges into one document (RFC 7396)',
    ...write,
    body: 'yaml',
    answer: (request, { core, trust }) => rules.merge(core, request, trust),
  },
  {
    method: 'DELETE',
    path: '/rules/:kind/:namespace/:name',
    text: 'deletes one document',
    ...write,
    answer: (request, { core, trust }) => rules.remove(core, request, trust),
  },
  {
    method: 'POST',
    path: '/plan',
    text: 'what PUT /rules (with ?patch: PATCH /rules) would change',
    needsToken: true,
    body: 'yaml',
    answer: (request, { core, trust }) => rules.plan(core, request, trust),
  },
  {
    method: 'POST',
    path: '/explain',
    text: '{ method?, url, headers? }: what would happen to a request, and why',
    body: 'json',
    answer: explanation,
  },
  {
    method: 'GET',
    path: '/snapshot',
    text: 'clusters, endpoints, policies, counters',
    answer: (_, { core, trusted }) => shown(snapshotOf(core), trusted, redactSnapshot),
  },
  {
    method: 'GET',
    path: '/config',
    text: "the rules in Envoy's form",
    answer: (_, { core, trusted }) => shown(core.rules.compiled.config, trusted, redactConfig),
  },
  {
    method: 'GET',
    path: '/diagnostics',
    text: 'what was reported about the rules in force',
    answer: (_, { core, trusted }) => shown(core.diagnostics, trusted, all => all.map(redactDiagnostic), 'diagnostics'),
  },
  {
    method: 'GET',
    path: '/history',
    text: 'the versions that are kept',
    answer: (_, { core, trusted }) => shown({ version: core.rules.version, versions: core.rules.history }, trusted, cleaned),
  },
  {
    method: 'POST',
    path: '/rollback',
    text: '{ version }: brings an earlier version back',
    ...write,
    body: 'json',
    answer: (request, { core, trust }) => rules.rollback(core, request, trust),
  },
  {
    method: 'GET',
    path: '/events',
    text: 'events as they happen (text/event-stream); ?types=ejection,applied',
    streams: true,
    answer: (request, { core, trusted }) => events(core, request, trusted),
  },
  {
    method: 'POST',
    path: '/control/breaker',
    text: '{ cluster, action: forceOpen | open | close | reset | disable, for? }',
    ...write,
    body: 'json',
    answer: (request, { core, trust }) => control.breaker(core, request, trust),
  },
  {
    method: 'POST',
    path: '/control/eject',
    text: '{ cluster, address, for? }: ejects an endpoint',
    ...write,
    body: 'json',
    answer: (request, { core, trust }) => control.eject(core, request, true, trust),
  },
  {
    method: 'POST',
    path: '/control/uneject',
    text: '{ cluster, address }: restores it',
    ...write,
    body: 'json',
    answer: (request, { core, trust }) => control.eject(core, request, false, trust),
  },
  {
    method: 'POST',
    path: '/control/weight',
    text: '{ virtualService, route?, weights } or { cluster, address, weight }',
    ...write,
    body: 'json',
    answer: (request, { core, trust }) => control.weight(core, request, trust),
  },
  {
    method: 'GET',
    path: '/audit',
    text: 'who changed what',
    answer: (_, { audit, trusted }) => ok({ entries: audit.entries(trusted) }),
  },
]

const listed = ({ method, path, text }: Endpoint) => ({ method, path, text })

function shown<T>(value: T, trusted: boolean, redact: (value: T) => unknown, as?: string): AdminReply {
  const body = trusted ? value : redact(value)
  return ok(as === undefined ? body : { [as]: body })
}

function explanation(request: AdminRequest, { core, trusted }: Context): AdminReply {
  const { url, method, headers } = fields(request, ['url'], ['method', 'headers'])
  let found: ReturnType<typeof explain>
  try {
    found = explain(core, { url, ...(method !== undefined && { method }), ...(headers !== undefined && { headers }) })
  } catch (error) {
    throw new AdminError(400, 'wrong-request', (error as Error).message, {
      hint: 'url: e.g. http://reviews:9080/x; headers: a map',
    })
  }
  return shown(found, trusted, redactExplanation)
}

const SHAPES = ENDPOINTS.map(endpoint => ({ endpoint, shape: endpoint.path.split('/').filter(Boolean) }))

/** The endpoint of a request. Throws an `AdminError` when there is none. */
export function endpointFor(method: string, segments: readonly string[]): Endpoint {
  const matching = SHAPES.filter(
    ({ shape }) => shape.length === segments.length && shape.every((part, at) => part.startsWith(':') || part === segments[at]),
  ).map(({ endpoint }) => endpoint)
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = matching.find(endpoint => endpoint.method === wanted)
  if (found !== undefined) return found
  const path = `/${segments.join('/')}`
  if (matching.length === 0) throw new AdminError(404, 'not-found', `there is no ${path}`, { hint: 'GET / lists all endpoints' })
  const allow = matching.map(endpoint => endpoint.method).join(', ')
  throw new AdminError(405, 'wrong-method', `${path} takes ${allow}`, { headers: { allow } })
}
