/**
 * The endpoints of a cluster by priority and locality, with those of each that may be asked. Lists are rebuilt when something changes,
 * never while choosing, and a priority in which nothing changed keeps its lists: whoever remembers a position in them keeps it too.
 */
import type { ClusterLoadAssignment, Locality, LocalityLbEndpoints } from '../../envoy/index.ts'
import { addressOf, configuredOf, labelsOf, othersOf } from './endpoint.ts'
import { type Configured, Host } from './host.ts'

/** What is said of one host. */
export interface HostEntry {
  readonly address: string
  readonly labels: Record<string, string>
  readonly locality: Locality | undefined
  readonly priority: number
  readonly weight: number
  readonly configured: Configured
  readonly others?: readonly string[] | undefined
}

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
  /** How often hosts came or went. */
  changes = 0
  readonly #byAddress = new Map<string, Host>()
  /** Endpoints that left, and when. */
  readonly #gone = new Map<string, { host: Host; at: number }>()
  #localityWeights: ReadonlyMap<string, number> = new Map()

  /** Takes over an assignment; endpoints that were known keep their state. */
  assign(assignment: ClusterLoadAssignment, now: number): void {
    const entries: HostEntry[] = []
    const weights = new Map<string, number>()
    for (const group of assignment.endpoints ?? []) {
      // Who sets endpoints without weights of localities leaves the shares as they were; a new locality weighs what its hosts weigh.
      const key = keyOf(group)
      const sum = (group.lbEndpoints ?? []).reduce((total, lb) => total + (lb.loadBalancingWeight ?? 1), 0)
      weights.set(key, group.loadBalancingWeight ?? this.#localityWeights.get(key) ?? sum)
      for (const lb of group.lbEndpoints ?? []) {
        const address = addressOf(lb)
        if (address === undefined) continue
        entries.push({
          address,
          labels: labelsOf(lb),
          locality: group.locality,
          priority: group.priority ?? 0,
          weight: lb.loadBalancingWeight ?? 1,
          configured: configuredOf(lb),
          others: othersOf(lb),
        })
      }
    }
    this.put(entries, now, weights)
  }

  /** Takes over a list; the first of two with the same address counts. */
  put(entries: readonly HostEntry[], now: number, localityWeights: ReadonlyMap<string, number> = new Map()): void {
    for (const [address, { at }] of this.#gone) if (now - at >= GRACE) this.#gone.delete(address)
    const seen = new Set<string>()
    const all: Host[] = []
    for (const entry of entries) {
      if (seen.has(entry.address)) continue
      seen.add(entry.address)
      const host = this.#known(entry.address)
      host.labels = entry.labels
      host.locality = entry.locality
      host.priority = entry.priority
      host.weight = entry.weight
      host.configured = entry.configured
      host.others = entry.others
      all.push(host)
    }
    for (const [address, host] of this.#byAddress) {
      if (seen.has(address)) continue
      this.#byAddress.delete(address)
      host.healthySince = undefined
      this.#gone.set(address, { host, at: now })
    }
    if (all.length !== this.all.length || all.some((host, i) => host !== this.all[i])) this.changes++
    this.all = all
    this.#localityWeights = localityWeights
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
