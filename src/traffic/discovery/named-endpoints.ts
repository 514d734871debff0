/**
 * Endpoints that are names: each is looked up and looked up again, and the assignment is published with addresses in place of names.
 * Only names that the assignment itself contains are ever asked for. STRICT_DNS: every address is an endpoint. LOGICAL_DNS: all are one,
 * under an address that stays as long as the name still has it; the others are for when that one does not connect.
 */
import type { Clock } from '../../base/time/clock.ts'
import { parseDuration } from '../../base/time/duration.ts'
import type { Random } from '../../base/time/random.ts'
import type { Resolver } from '../../core/resolver.ts'
import type { Cluster, ClusterLoadAssignment, LbEndpoint } from '../../envoy/index.ts'
import { isWithinReach, outOfReach, trustOf } from '../upstream/reach.ts'
import { orderByFamily } from './address-family.ts'
import { watchName } from './dns.ts'

export interface NamedSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: Resolver
}

export class NamedEndpoints {
  /** Settles when every name was looked up once; absent when nothing is awaited. */
  warming: Promise<void> | undefined
  readonly #around: NamedSurroundings
  readonly #publish: (assignment: ClusterLoadAssignment) => void
  #config: Cluster
  #assignment: ClusterLoadAssignment | undefined
  #names: ReadonlySet<string> = new Set()
  readonly #watches = new Map<string, { stop(): void }>()
  /** Why the last address that rules may not lead to was left out. */
  leftOut: Error | undefined
  /** What each name had last. */
  readonly #addresses = new Map<string, readonly string[]>()

  constructor(config: Cluster, around: NamedSurroundings, publish: (assignment: ClusterLoadAssignment) => void) {
    this.#config = config
    this.#around = around
    this.#publish = publish
  }

  update(config: Cluster): void {
    this.#config = config
  }

  /** Takes over an assignment. Names that are watched already go on as they are; those gone are forgotten. */
  assign(assignment: ClusterLoadAssignment): void {
    this.#assignment = assignment
    const names = this.#config.type === 'STRICT_DNS' || this.#config.type === 'LOGICAL_DNS' ? namesOf(assignment) : new Set<string>()
    this.#names = names
    for (const [name, watch] of this.#watches) {
      if (names.has(name)) continue
      watch.stop()
      this.#watches.delete(name)
      this.#addresses.delete(name)
    }
    const fresh = [...names].filter(name => !this.#watches.has(name))
    if (names.size === 0 || this.#addresses.size > 0) this.#publish(this.#resolved())
    if (fresh.length === 0) return
    const known = this.#addresses.size > 0
    const first = Promise.all(fresh.map(name => this.#watch(name))).then(() => {
      if (this.warming === first) this.warming = undefined
    })
    // Who has endpoints does not wait for further names.
    if (!known) this.warming = first
  }

  /** Resolves after the first answer or failure. */
  #watch(name: string): Promise<void> {
    const { clock, random, resolver } = this.#around
    const { dnsRefreshRate = '60s', dnsJitter = '0s', respectDnsTtl = false } = this.#config
    const options = {
      clock,
      random,
      refresh: parseDuration(dnsRefreshRate) ?? 60_000,
      jitter: parseDuration(dnsJitter) ?? 0,
      respectTtl: respectDnsTtl,
    }
    return new Promise(settled => {
      const stop = watchName(
        resolver,
        name,
        options,
        addresses => {
          const found = orderByFamily(addresses, this.#config.dnsLookupFamily).map(a => a.address)
          const before = this.#addresses.get(name)
          const kept = this.#config.type === 'LOGICAL_DNS' ? found.filter(a => a === before?.[0]) : []
          const now = kept.length > 0 ? [...kept, ...found.filter(a => a !== kept[0])] : found
          if (before !== undefined && before.length === now.length && before.every(a => now.includes(a))) return
          this.#addresses.set(name, now)
          this.#publish(this.#resolved())
        },
        () => settled(),
      )
      this.#watches.set(name, { stop: () => (stop(), settled()) })
    })
  }

  /** The assignment with every name replaced by the addresses it has. */
  #resolved(): ClusterLoadAssignment {
    const assignment = this.#assignment!
    this.leftOut = undefined
    const expand = (lb: LbEndpoint): LbEndpoint[] => {
      const { socketAddress, pipe } = lb.endpoint.address
      const address = pipe?.path ?? socketAddress?.address ?? ''
      const isName = socketAddress !== undefined && this.#names.has(address)
      const found = this.#permitted(isName ? (this.#addresses.get(address) ?? []) : [address], lb)
      if (!isName) return found.length === 0 ? [] : [lb]
      const at = (address: string) => ({ address: { socketAddress: { ...socketAddress, address } } })
      if (this.#config.type !== 'LOGICAL_DNS') return found.map(address => ({ ...lb, endpoint: { ...lb.endpoint, ...at(address) } }))
      const [first, ...others] = found
      if (first === undefined) return []
      return [{ ...lb, endpoint: { ...lb.endpoint, ...at(first), ...(others.length > 0 ? { additionalAddresses: others.map(at) } : {}) } }]
    }
    return {
      ...assignment,
      endpoints: (assignment.endpoints ?? []).map(group => ({ ...group, lbEndpoints: (group.lbEndpoints ?? []).flatMap(expand) })),
    }
  }

  /** The one gate to the set of hosts: addresses that the documents behind an endpoint may lead to. */
  #permitted(addresses: readonly string[], { metadata }: LbEndpoint): readonly string[] {
    const trust = trustOf(metadata)
    if (trust === undefined) return addresses
    return addresses.filter(address => {
      const permitted = isWithinReach(address, trust)
      if (!permitted) this.leftOut = outOfReach(address, trust)
      return permitted
    })
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.stop()
    this.#watches.clear()
  }
}

const IP = /^(\d+\.\d+\.\d+\.\d+|.*:.*)$/

function namesOf(assignment: ClusterLoadAssignment): Set<string> {
  const names = new Set<string>()
  for (const group of assignment.endpoints ?? [])
    for (const lb of group.lbEndpoints ?? []) {
      const address = lb.endpoint.address.socketAddress?.address
      if (address !== undefined && !IP.test(address)) names.add(address)
    }
  return names
}
