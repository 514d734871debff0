/**
 * The endpoints of a cluster by priority and locality, with those of each that may be asked. Lists are rebuilt when something changes,
 * never while choosing, and a priority in which nothing changed keeps its lists: whoever remembers a position in them keeps it too.
 */
import type { ClusterLoadAssignment, LocalityLbEndpoints } from '../../envoy/index.ts'
import { addressOf, configuredOf, labelsOf } from './endpoint.ts'
import { Host } from './host.ts'

/** Hosts of one locality within a priority. */
export interface LocalityHosts {
  readonly weight: number
  readonly hosts: readonly Host[]
  readonly healthy: readonly Host[]
  readonly degraded: readonly Host[]
}

/** Hosts of one priority. */
export interface Level {
  readonly hosts: readonly Host[]
  readonly healthy: readonly Host[]
  readonly degraded: readonly Host[]
  readonly localities: readonly LocalityHosts[]
}

/** How long an endpoint that left is remembered with what was counted for it, ms. */
const GRACE = 300_000

export class HostSet {
  levels: readonly Level[] = []
  all: readonly Host[] = []
  /** Goes up whenever a list was rebuilt. */
  version = 0
  readonly #byAddress = new Map<string, Host>()
  /** Endpoints that left, and when. */
  readonly #gone = new Map<string, { host: Host; at: number }>()
  #localityWeights = new Map<string, number>()

  /** Takes over an assignment; endpoints that were known keep their state. */
  assign(assignment: ClusterLoadAssignment, now: number): void {
    for (const [address, { at }] of this.#gone) if (now - at >= GRACE) this.#gone.delete(address)
    const seen = new Set<string>()
    const all: Host[] = []
    const weights = new Map<string, number>()
    for (const group of assignment.endpoints ?? []) {
      if (group.loadBalancingWeight !== undefined) weights.set(keyOf(group), group.loadBalancingWeight)
      for (const lb of group.lbEndpoints ?? []) {
        const address = addressOf(lb)
        if (address === undefined || seen.has(address)) continue
        seen.add(address)
        const host = this.#known(address)
        host.labels = labelsOf(lb)
        host.locality = group.locality
        host.priority = group.priority ?? 0
        host.weight = lb.loadBalancingWeight ?? 1
        host.configured = configuredOf(lb)
        all.push(host)
      }
    }
    for (const [address, host] of this.#byAddress) {
      if (seen.has(address)) continue
      this.#byAddress.delete(address)
      host.healthySince = undefined
      this.#gone.set(address, { host, at: now })
    }
    this.all = all
    this.#localityWeights = weights
    this.refresh(now, true)
  }

  #known(address: string): Host {
    const here = this.#byAddress.get(address)
    if (here !== undefined) return here
    const host = this.#gone.get(address)?.host ?? new Host(address, {}, undefined, 0, 1)
    this.#gone.delete(address)
    this.#byAddress.set(address, host)
    return host
  }

  /** Takes over hosts made elsewhere. */
  take(hosts: readonly Host[], now: number): void {
    this.#byAddress.clear()
    for (const host of hosts) this.#byAddress.set(host.address, host)
    this.all = hosts
    this.refresh(now, true)
  }

  get(address: string): Host | undefined {
    return this.#byAddress.get(address)
  }

  /** Rebuilds what changed. `weighed`: weights may have changed too, not only somebody's health. */
  refresh(now: number, weighed = false): void {
    const size = this.all.reduce((most, host) => Math.max(most, host.priority + 1), 0)
    const byPriority: Host[][] = Array.from({ length: size }, () => [])
    for (const host of this.all) {
      if (host.healthy) host.healthySince ??= now
      byPriority[host.priority]!.push(host)
    }
    this.levels = byPriority.map((hosts, priority) => {
      const level = this.#level(hosts, priority)
      const before = this.levels[priority]
      return before !== undefined && !weighed && sameLevel(before, level) ? before : level
    })
    this.version++
  }

  #level(hosts: readonly Host[], priority: number): Level {
    const groups = new Map<string, Host[]>()
    for (const host of hosts) {
      const key = keyOf({ priority, ...(host.locality === undefined ? {} : { locality: host.locality }) })
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [host])
      else group.push(host)
    }
    const localities = [...groups].map(([key, members]) => ({
      weight: this.#localityWeights.get(key) ?? 0,
      hosts: members,
      healthy: members.filter(h => h.healthy),
      degraded: members.filter(h => h.degraded),
    }))
    return { hosts, healthy: hosts.filter(h => h.healthy), degraded: hosts.filter(h => h.degraded), localities }
  }
}

function keyOf({ priority = 0, locality = {} }: Pick<LocalityLbEndpoints, 'priority' | 'locality'>): string {
  return `${priority}/${locality.region ?? ''}/${locality.zone ?? ''}/${locality.subZone ?? ''}`
}

const sameLevel = (a: Level, b: Level) =>
  sameHosts(a.hosts, b.hosts) && sameHosts(a.healthy, b.healthy) && sameHosts(a.degraded, b.degraded)

const sameHosts = (a: readonly Host[], b: readonly Host[]) => a.length === b.length && a.every((host, i) => host === b[i])
