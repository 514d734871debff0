/** What an operator does by hand: force a breaker, take an endpoint out and back, change a weight. */
import { OptionsError } from '../../core/errors.ts'
import { isTrustedWith, type Trust } from '../../core/trust.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import type { RuleDocument } from '../../rules/istio/document.ts'
import { namespaceOf } from '../../rules/istio/select-documents.ts'
import { untrustedHost } from '../../rules/istio/trust.ts'
import { fields } from './body.ts'
import { AdminError, type AdminReply, ok } from './reply.ts'
import type { AdminRequest } from './request.ts'
import { result } from './rules.ts'

const BREAKER = ['forceOpen', 'open', 'close', 'reset', 'disable'] as const

/** `POST /control/breaker`: { cluster, action, for? }. */
export function breaker(core: MeshCore, request: AdminRequest, trust: Trust): AdminReply {
  const { cluster, action, for: duration } = fields(request, ['cluster', 'action'], ['for'])
  if (!BREAKER.includes(action))
    throw new AdminError(400, 'wrong-action', `no action ${JSON.stringify(action)}`, { hint: `one of ${BREAKER.join(', ')}` })
  checkTrust(core, text(cluster, 'cluster'), trust)
  const own = known(() => core.cluster(cluster).breaker())
  known(() => (action === 'open' ? own.open(duration === undefined ? {} : { for: duration }) : own[action as 'close']()))
  return ok({ cluster, state: own.state })
}

/** `POST /control/eject` and `/control/uneject`: { cluster, address, for? }. */
export function eject(core: MeshCore, request: AdminRequest, out: boolean, trust: Trust): AdminReply {
  const { cluster, address, for: duration } = fields(request, ['cluster', 'address'], out ? ['for'] : [])
  checkTrust(core, text(cluster, 'cluster'), trust)
  known(() => {
    const at = core.cluster(cluster)
    if (!at.hosts().some(host => host.address === address))
      throw new RangeError(
        `${at.name} has no endpoint ${address}; it has ${
          at
            .hosts()
            .map(h => h.address)
            .join(', ') || 'none'
        }`,
      )
    if (out) core.eject(cluster, address, duration === undefined ? {} : { for: duration })
    else core.uneject(cluster, address)
  })
  return ok({
    cluster,
    address,
    health: core
      .cluster(cluster)
      .hosts()
      .find(host => host.address === address)?.health,
  })
}

/**
 * `POST /control/weight`: { virtualService: 'namespace/name', route?, weights: { subset or host: weight } } changes the shares of a route
 * (the document is patched), { cluster, address, weight } the weight of one endpoint.
 */
export async function weight(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  const body = fields(request, [], ['virtualService', 'route', 'weights', 'cluster', 'address', 'weight'])
  if (body.cluster !== undefined) return endpointWeight(core, body, trust)
  const [name = '', namespace = 'default'] = text(body.virtualService, 'virtualService').split('/').reverse()
  const document = core.rules.compiled.documents.find(
    d => d.kind === 'VirtualService' && d.metadata.name === name && namespaceOf(d) === namespace,
  )
  if (document === undefined) throw new AdminError(404, 'document-not-found', `there is no VirtualService ${namespace}/${name}`)
  return result(await core.rules.patch(reweighted(document, body.route, body.weights), { trust, ifVersion: core.rules.version }))
}

/** The VirtualService with new shares; destinations that are not named get 0. */
export function reweighted(document: RuleDocument, route: unknown, weights: unknown): object {
  const copy = structuredClone(Object.assign({}, document.asWritten as object)) as any
  const rules: any[] = (copy.spec?.http ?? []).filter((http: any) => Array.isArray(http?.route))
  const chosen =
    route === undefined
      ? rules.length === 1
        ? rules[0]
        : undefined
      : (rules.find(http => http.name === route) ?? copy.spec?.http?.[Number(route)])
  const names = rules.map((http, at) => http.name ?? String(at)).join(', ')
  if (!Array.isArray(chosen?.route))
    throw new AdminError(400, 'wrong-route', route === undefined ? 'which route is meant?' : `no route ${JSON.stringify(route)}`, {
      hint: `route: one of ${names}`,
    })
  if (typeof weights !== 'object' || weights === null)
    throw new AdminError(400, 'wrong-body', 'weights is missing', { hint: 'weights: { v1: 90, v2: 10 }' })
  const given = new Map(Object.entries(weights))
  for (const destination of chosen.route) {
    const { subset, host } = destination.destination ?? {}
    const name = subset !== undefined && given.has(subset) ? subset : host
    const value = given.get(name) ?? 0
    if (!Number.isInteger(value) || value < 0)
      throw new AdminError(400, 'wrong-weight', `weight of ${name}: ${JSON.stringify(value)} is not a whole number`)
    destination.weight = value
    given.delete(name)
  }
  if (given.size > 0) {
    const there = chosen.route.map((d: any) => d.destination?.subset ?? d.destination?.host).join(', ')
    throw new AdminError(400, 'unknown-destination', `the route does not go to ${[...given.keys()].join(', ')}`, {
      hint: `it goes to ${there}`,
    })
  }
  return copy
}

function endpointWeight(core: MeshCore, { cluster, address, weight: value }: any, trust: Trust): AdminReply {
  if (!Number.isInteger(value) || value < 1)
    throw new AdminError(400, 'wrong-weight', `weight: ${JSON.stringify(value)} is not a whole number above 0`)
  checkTrust(core, text(cluster, 'cluster'), trust)
  known(() => core.setWeight(cluster, text(address, 'address'), value))
  return ok({ cluster, address, weight: value })
}

/** Rejects changes of a cluster whose host the writer is not trusted with. */
function checkTrust(core: MeshCore, key: string, trust: Trust): void {
  if (trust.hosts === undefined) return
  const { name } = known(() => core.cluster(key))
  // `outbound|port|subset|host`; of a host seen in traffic only `…|scheme|host|port`.
  const host = core.dynamicHosts.has(key) ? key.slice(name.length + 1).split('|')[1] : name.slice(name.lastIndexOf('|') + 1)
  if (isTrustedWith(trust, host ?? '')) return
  const { code, message, hint } = untrustedHost(trust, host ?? key)
  throw new AdminError(403, code, message, { hint })
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new AdminError(400, 'wrong-body', `${name} is a text`)
  return value
}

/** A name that is not known or an option that is none is the caller's fault. */
function known<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof OptionsError) throw new AdminError(400, 'wrong-body', error.message)
    if (error instanceof RangeError || error instanceof TypeError) throw new AdminError(404, 'not-found', error.message)
    throw error
  }
}
