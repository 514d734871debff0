/** From a request to its route: per port, the virtual host by name (exact, longest suffix wildcard, longest prefix wildcard, any), then the first route whose conditions hold. */
import type { RouteConfiguration, VirtualHost } from '../../envoy/index.ts'
import { type CompiledRoute, compileRoute } from './compiled-route.ts'
import type { RequestView } from './request-view.ts'
import { RouteList } from './route-list.ts'

/** A route that was tried, for people. */
export interface Tried {
  readonly route: string
  readonly chosen: boolean
  readonly conditions: readonly { text: string; held: boolean }[]
}

export interface RouteTable {
  /** Whether any rule speaks of the port. */
  has(port: number): boolean
  /** The first route that holds, in the virtual host that the authority names. */
  match(request: RequestView): CompiledRoute | undefined
  explain(request: RequestView): { virtualHost: string | undefined; routes: Tried[] }
}

/** A virtual host ready to be asked. */
export interface Hosted {
  readonly name: string
  readonly routes: RouteList
}

/** Throws for a regex or a formatter that cannot be compiled. */
export function compileVirtualHost(host: VirtualHost): Hosted {
  return { name: host.name, routes: new RouteList((host.routes ?? []).map(compileRoute)) }
}

class PortTable {
  readonly #exact = new Map<string, Hosted>()
  readonly #suffixes = new Map<string, Hosted>()
  readonly #prefixes = new Map<string, Hosted>()
  readonly #suffixLengths: number[]
  readonly #prefixLengths: number[]
  #any: Hosted | undefined

  constructor(hosts: readonly VirtualHost[], compile: (host: VirtualHost) => Hosted) {
    for (const host of hosts) {
      const hosted = compile(host)
      for (const domain of host.domains.map(d => d.toLowerCase())) {
        if (domain === '*') this.#any ??= hosted
        else if (domain.startsWith('*')) once(this.#suffixes, domain.slice(1), hosted)
        else if (domain.endsWith('*')) once(this.#prefixes, domain.slice(0, -1), hosted)
        else once(this.#exact, domain, hosted)
      }
    }
    this.#suffixLengths = lengths(this.#suffixes)
    this.#prefixLengths = lengths(this.#prefixes)
  }

  host(authority: string): Hosted | undefined {
    const name = hostOf(authority)
    const exact = this.#exact.get(name)
    if (exact !== undefined) return exact
    for (const length of this.#suffixLengths) {
      if (length >= name.length) continue
      const found = this.#suffixes.get(name.slice(-length))
      if (found !== undefined) return found
    }
    for (const length of this.#prefixLengths) {
      if (length >= name.length) continue
      const found = this.#prefixes.get(name.slice(0, length))
      if (found !== undefined) return found
    }
    return this.#any
  }
}

const once = (map: Map<string, Hosted>, key: string, hosted: Hosted) => map.has(key) || map.set(key, hosted)
const lengths = (map: Map<string, Hosted>) => [...new Set([...map.keys()].map(k => k.length))].sort((a, b) => b - a)

/** Host of an authority: lower case, without port. */
function hostOf(authority: string): string {
  const colon = authority.startsWith('[') ? authority.indexOf(':', authority.indexOf(']')) : authority.indexOf(':')
  return (colon < 0 ? authority : authority.slice(0, colon)).toLowerCase()
}

/** Compiles route configurations; the name of each is its port. `compile` may give back what it made before from the same host. */
export function compileRoutes(configs: readonly RouteConfiguration[], compile = compileVirtualHost): RouteTable {
  const ports = new Map(configs.map(config => [Number(config.name), new PortTable(config.virtualHosts ?? [], compile)]))
  return {
    has: port => ports.has(port),
    match(request) {
      return ports.get(request.port)?.host(request.authority)?.routes.first(request, bare(request.path))
    },
    explain(request) {
      const hosted = ports.get(request.port)?.host(request.authority)
      const path = bare(request.path)
      const routes: Tried[] = []
      for (const route of hosted?.routes.all ?? []) {
        const conditions = route.conditions.map(c => ({ text: c.text, held: c.holds(request) }))
        if (route.path.said !== undefined) conditions.unshift({ text: route.path.said, held: route.path.holds(path) })
        const chosen = conditions.every(c => c.held)
        routes.push({ route: route.name, chosen, conditions })
        if (chosen) break
      }
      return { virtualHost: hosted?.name, routes }
    },
  }
}

function bare(path: string): string {
  const query = path.indexOf('?')
  return query < 0 ? path : path.slice(0, query)
}
