/** Near and far: groups of endpoints by locality, their weights, and the order in which they fail over. */
import type { LbEndpoint, Locality, LocalityLbEndpoints } from '../../envoy/index.ts'
import type { TrafficPolicy } from './merge-policies.ts'
import type { MeshConfig } from './mesh-config.ts'
import type { Caller } from './select-documents.ts'
import type { Declared } from './select-services.ts'

/** Where the caller is. */
export type Place = Pick<Caller, 'labels' | 'locality'>

/** A group of endpoints in one locality, before priorities. */
export interface Group {
  locality: string
  endpoints: LbEndpoint[]
  /** With those that say where it is. */
  labels: Record<string, string>[]
}

/** What holds for a cluster; `setting` is `undefined` when switched off. */
interface Setting {
  setting: any
  /** Endpoints fail over although no outliers are ejected: they are said to be healthy or not. */
  forced: boolean
}

/** The destination rule's setting, else what an annotation of the service wants, else the mesh's. */
export function placementOf(own: any, mesh: any, service: Declared): Setting {
  const near = own == null ? prefersNear(service) : undefined
  const setting = own ?? (near === undefined ? mesh : { failoverPriority: near }) ?? {}
  return { setting: setting.enabled === false ? undefined : setting, forced: near !== undefined }
}

/** The setting by which endpoints of a cluster are placed, as plain JSON. */
export type Placement = Readonly<Record<string, any>>

/** `undefined`: all are equally near. Without shares nearness counts only when outliers are ejected: nothing would ever fail over. */
export function placementFor(policy: TrafficPolicy, mesh: MeshConfig, service: Declared): Placement | undefined {
  const { setting, forced } = placementOf(policy.loadBalancer?.localityLbSetting, mesh.localityLbSetting, service)
  const failsOver = forced || policy.outlierDetection != null
  return failsOver || setting?.distribute?.length > 0 ? setting : undefined
}

/** Labels by which the service's annotation wants endpoints preferred. */
export function prefersNear({ document }: Declared): string[] | undefined {
  const wanted = document.metadata.annotations?.['networking.istio.io/traffic-distribution']?.toLowerCase()
  if (wanted === 'preferclose' || wanted === 'prefersamezone') return SAME_ZONE
  return wanted === 'prefersamenode' ? [...SAME_ZONE, SUBZONE, 'kubernetes.io/hostname'] : undefined
}

const NETWORK = 'topology.istio.io/network'
const SUBZONE = 'topology.istio.io/subzone'
const SAME_ZONE = [NETWORK, 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone']

/**
 * Weights and priorities. `distribute` shares by weight and leaves unlisted localities empty; otherwise, and only when outliers are
 * ejected (without that nothing would ever fail over), nearness decides. Labels count only for endpoints that are known by their
 * addresses, and for a caller that has labels.
 */
export function placeGroups(
  groups: readonly Group[],
  placement: Placement | undefined,
  byName: boolean,
  caller: Place,
): LocalityLbEndpoints[] {
  if (placement === undefined) return groups.map(plain)
  if (placement.distribute?.length) return distribute(groups, placement.distribute, caller.locality)
  const { failover = [], failoverPriority = [] } = placement
  if (failoverPriority.length === 0) return byNearness(groups.map(plain), failover, caller.locality)
  const knowsLabels = !byName && (Object.keys(caller.labels).length > 0 || caller.locality !== '')
  const placed = knowsLabels ? byLabels(groups, failoverPriority, caller) : groups.map(plain)
  return failover.length > 0 ? byNearness(placed, failover, caller.locality) : placed
}

export function byLocality(groups: ReadonlyMap<string, Group>): Group[] {
  return [...groups.values()].sort((a, b) => (a.locality < b.locality ? -1 : 1))
}

export function parseLocality(text: string): Locality {
  const [region, zone, subZone] = text.split('/')
  const locality: Locality = {}
  if (region) locality.region = region
  if (zone) locality.zone = zone
  if (subZone) locality.subZone = subZone
  return locality
}

const weigh = (endpoints: readonly LbEndpoint[]): number =>
  endpoints.reduce((sum, endpoint) => sum + (endpoint.loadBalancingWeight ?? 1), 0)

function plain({ locality, endpoints }: Group): LocalityLbEndpoints {
  return { locality: parseLocality(locality), lbEndpoints: endpoints, loadBalancingWeight: weigh(endpoints) }
}

/** `eu/*` means every zone of eu, `eu/eu-1/*` every rack of a zone, `*` everything. */
function isWithin(locality: string, pattern: string): boolean {
  const parts = locality.split('/')
  for (const [index, wanted] of pattern.split('/').entries()) {
    if (wanted === '*') return true
    if ((parts[index] ?? '') !== wanted) return false
  }
  return true
}

function distribute(groups: readonly Group[], rules: any[], home: string): LocalityLbEndpoints[] {
  const placed = groups.map(plain)
  const rule = rules.find(({ from }) => isWithin(home, String(from)))
  if (rule === undefined) return placed
  const listed = new Set<number>()
  for (const [pattern, share] of Object.entries(rule.to ?? {})) {
    const here = groups.flatMap(({ locality }, index) => (!listed.has(index) && isWithin(locality, pattern) ? [index] : []))
    const total = here.reduce((sum, index) => sum + placed[index]!.loadBalancingWeight!, 0)
    for (const index of here) {
      listed.add(index)
      const group = placed[index]!
      group.loadBalancingWeight = Math.ceil((group.loadBalancingWeight! * Number(share)) / total)
    }
  }
  for (const [index, group] of placed.entries()) if (!listed.has(index)) delete group.lbEndpoints
  return placed
}

/** Within priorities already given. */
function byNearness(placed: LocalityLbEndpoints[], failover: any[], home: string): LocalityLbEndpoints[] {
  const [region = '', zone = '', subZone = ''] = home.split('/')
  const target = failover.find(({ from }) => from === region)?.to
  const priorities = placed.map(({ locality = {}, priority = 0 }) => {
    const { region: r = '', zone: z = '', subZone: s = '' } = locality
    const far = target !== undefined && r !== target ? 4 : 3
    return priority * 5 + (r !== region ? far : z !== zone ? 2 : s !== subZone ? 1 : 0)
  })
  return compact(placed, priorities)
}

/** Endpoints that share more of the listed labels with the caller, from the left, come first. */
function byLabels(groups: readonly Group[], wanted: string[], caller: Place): LocalityLbEndpoints[] {
  const mine = withTopology(caller.labels, caller.locality)
  const placed: LocalityLbEndpoints[] = []
  const priorities: number[] = []
  for (const { locality, endpoints, labels } of groups) {
    const near = new Map<number, LbEndpoint[]>()
    for (const [index, endpoint] of endpoints.entries()) {
      const theirs = labels[index]!
      let matched = 0
      while (matched < wanted.length && agrees(wanted[matched]!, mine, theirs)) matched++
      const priority = wanted.length - matched
      const same = near.get(priority)
      if (same === undefined) near.set(priority, [endpoint])
      else same.push(endpoint)
    }
    for (const [priority, same] of [...near].sort(([a], [b]) => a - b)) {
      placed.push({ locality: parseLocality(locality), lbEndpoints: same, loadBalancingWeight: weigh(same) })
      priorities.push(priority)
    }
  }
  return compact(placed, priorities)
}

/** `key` compares with the caller's label, `key=value` with the value given. */
function agrees(wanted: string, mine: Record<string, string>, theirs: Record<string, string>): boolean {
  const equals = wanted.indexOf('=')
  const key = equals < 0 ? wanted : wanted.slice(0, equals)
  return (theirs[key] ?? '') === (equals < 0 ? (mine[key] ?? '') : wanted.slice(equals + 1))
}

/** Labels with those that a place has of itself; only a network gives way to a label that is written. */
export function withTopology(labels: Record<string, string>, locality: string, network = ''): Record<string, string> {
  const [region, zone, subZone] = locality.split('/')
  return {
    ...(network && { [NETWORK]: network }),
    ...labels,
    ...(region && { 'topology.kubernetes.io/region': region }),
    ...(zone && { 'topology.kubernetes.io/zone': zone }),
    ...(subZone && { [SUBZONE]: subZone }),
  }
}

/** Envoy wants priorities without gaps. */
function compact(placed: LocalityLbEndpoints[], priorities: readonly number[]): LocalityLbEndpoints[] {
  const order = [...new Set(priorities)].sort((a, b) => a - b)
  for (const [index, group] of placed.entries()) {
    const priority = order.indexOf(priorities[index]!)
    if (priority > 0) group.priority = priority
    else delete group.priority
  }
  return placed
}
