/**
 * The admin API as a function from request to reply. Every request passes the same checks in the
 * same order, the cheapest first, and its body is read only when all of them have passed: the name
 * it asks for, its target, its origin, the token, and what its body is written in.
 */
import { TIGHT } from '../../core/source.ts'
import type { AdminOptions } from '../../mesh/admin-options.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import { Access } from './access.ts'
import { Audit } from './audit.ts'
import { type Endpoint, endpointFor } from './endpoints.ts'
import type { StreamCounts } from './event-streams.ts'
import { checkMediaType } from './media-type.ts'
import { AdminError, type AdminReply, failure } from './reply.ts'
import { type IncomingRequest, parseTarget } from './request.ts'

/** The longest JSON object that is read, bytes: what a request looks like, or a word of command. */
const MAX_JSON_BYTES = 32_768
const DEFAULT_BODY_BYTES = 4_194_304
const LONGEST_ACTION = 200
const NO_STREAMS: StreamCounts = { open: 0, dropped: 0 }

export type AdminApi = (incoming: IncomingRequest, streams?: StreamCounts) => Promise<AdminReply>

/** Makes the API of a mesh. The function it returns never throws. */
export function adminApi(core: MeshCore, options: Omit<AdminOptions, 'port' | 'maxBodyBytes'> & { maxBodyBytes?: number } = {}): AdminApi {
  const access = new Access(options.token, options.hosts ?? [])
  const audit = new Audit()
  const trust = options.trust ?? TIGHT
  const maxBodyBytes = options.maxBodyBytes ?? DEFAULT_BODY_BYTES

  async function bodyOf(incoming: IncomingRequest, endpoint: Endpoint, trusted: boolean): Promise<string> {
    if (endpoint.body === undefined) return ''
    // No page can make a browser send the token, so whoever has it may leave the type out or wrong.
    if (!trusted) checkMediaType(incoming, endpoint.body)
    const limit = endpoint.body === 'json' ? Math.min(MAX_JSON_BYTES, maxBodyBytes) : maxBodyBytes
    return incoming.read(limit)
  }

  return async (incoming, streams = NO_STREAMS) => {
    const { method, header } = incoming
    let endpoint: Endpoint | undefined
    let trusted = false
    let path = ''
    let reply: AdminReply
    let error: AdminError | undefined
    try {
      access.checkHost(incoming)
      const { segments, query } = parseTarget(incoming.target)
      path = `/${segments.join('/')}`
      endpoint = endpointFor(method, segments)
      access.checkOrigin(incoming, endpoint.method === 'GET' && !endpoint.streams)
      trusted = access.isTrusted(incoming)
      if (endpoint.needsToken) access.checkToken(incoming)
      const body = await bodyOf(incoming, endpoint, trusted)
      const request = { method, segments, query, header, body }
      reply = await endpoint.answer(request, { core, trust, audit, trusted, streams })
    } catch (thrown) {
      error = asAdminError(thrown)
      reply = failure(error)
    }
    if (endpoint?.writes) {
      const entry = {
        at: core.settings.clock.wall(),
        from: incoming.from,
        action: `${method} ${path}`.slice(0, LONGEST_ACTION),
        status: reply.status,
        version: core.rules.version,
        ...(error !== undefined && { error: error.message }),
      }
      audit.add(entry, trusted, error?.code)
    }
    return reply
  }
}

function asAdminError(thrown: unknown): AdminError {
  if (thrown instanceof AdminError) return thrown
  return new AdminError(500, 'internal', thrown instanceof Error ? thrown.message : String(thrown))
}
