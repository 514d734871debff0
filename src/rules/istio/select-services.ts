/** The services that documents declare: hosts with ports and endpoints, from ServiceEntries and the WorkloadEntries they select. */
import { common, type Trust } from '../../core/trust.ts'
import type { RuleDocument } from './document.ts'
import { isAddress } from './hosts.ts'
import {
  bornAt,
  type Caller,
  compare,
  hasLabels,
  hostIn,
  NEARNESS,
  type Nearness,
  namespaceOf,
  nearnessTo,
  ofKind,
} from './select-documents.ts'
import { isTrustedJoin } from './trust/joins.ts'

export interface ServicePort {
  number: number
  name: string
  /** In capitals; `''` when it is to be found out from the traffic. */
  protocol: string
  targetPort?: number
}

export interface ServiceEndpoint {
  address: string
  ports: Record<string, number>
  labels: Record<string, string>
  /** `region/zone/subzone`. */
  locality: string
  network: string
  weight: number
  /** What bounds its address and its redirects: the trust of the documents that it comes from. */
  trust: Trust | undefined
}

/** A host of one entry, at one of its addresses: what Pilot calls a service. */
export interface Declared {
  /**
   * In full, in the letters in which it is written: other than in Pilot a service entry's short name is completed as well, so that rules
   * find it.
   */
  host: string
  namespace: string
  name: string
  resolution: string
  /** Where it listens for TCP; of several addresses each is a service of its own. */
  address: string | undefined
  ports: ServicePort[]
  endpoints: readonly ServiceEndpoint[]
  /** Endpoints are those of the WorkloadEntries with some labels. */
  selects: boolean
  document: RuleDocument
  /** Everything of this host and namespace, whoever sees it: their endpoints count for all of them. */
  all: readonly Declared[]
}

/** A service as a namespace sees it. */
export interface Service extends Declared {
  nearness: Nearness
}

const HTTP = new Set(['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP_PROXY'])
const KNOWN = new Set([...HTTP, 'HTTPS', 'TLS', 'TCP', 'MONGO', 'REDIS', 'MYSQL', 'UDP'])

export function isHttp(port: Pick<ServicePort, 'protocol'>): boolean {
  return HTTP.has(port.protocol)
}

/** Protocol not said: Envoy looks at the first bytes. */
export function isSniffed(port: Pick<ServicePort, 'protocol'>): boolean {
  return port.protocol === ''
}

export function isHttp2(port: ServicePort): boolean {
  return port.protocol === 'HTTP2' || port.protocol === 'GRPC' || port.protocol === 'GRPC-WEB'
}

/** On a ServiceEntry that stands for a headless Service of Kubernetes: istiod routes to its pods by their names as well. */
export const HEADLESS = 'meshless.dev/headless'

export function isHeadless({ document, resolution }: Declared): boolean {
  return resolution === 'NONE' && document.metadata.annotations?.[HEADLESS] === 'true'
}

/** All services exported to the caller, nearest first, the older before the younger. */
export function selectServices(
  documents: readonly RuleDocument[],
  caller: Caller,
  declared: readonly Declared[] = declaredServices(documents, caller),
): Service[] {
  const services: Service[] = []
  for (const service of declared) {
    const nearness = nearnessTo(caller.namespace, service.document, caller.mesh.defaultServiceExportTo)
    if (nearness !== undefined) services.push({ ...service, nearness })
  }
  return services.sort((a, b) => NEARNESS.indexOf(a.nearness) - NEARNESS.indexOf(b.nearness))
}

/** All services of the documents, the older first. Made once for those who look at them from several namespaces. */
export function declaredServices(documents: readonly RuleDocument[], caller: Caller): Declared[] {
  const workloads = new Workloads(ofKind(documents, 'WorkloadEntry'))
  const groups = new Map<string, Declared[]>()
  const services = ofKind(documents, 'ServiceEntry').flatMap(document => readServices(document, workloads, caller))
  for (const service of services) {
    const key = `${service.namespace}/${service.host}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [service])
    else group.push(service)
  }
  for (const service of services) service.all = groups.get(`${service.namespace}/${service.host}`)!
  return services.sort((a, b) => bornAt(a.document) - bornAt(b.document) || compare(a.host, b.host) || compare(a.namespace, b.namespace))
}

/** Of several namespaces that declare a host one counts: the caller's own, else the first. */
export function ofOneNamespace<S extends Declared>(services: readonly S[], caller: Caller): S[] {
  const chosen = new Map<string, string>()
  for (const { host, namespace } of services) if (!chosen.has(host) || namespace === caller.namespace) chosen.set(host, namespace)
  return services.filter(({ host, namespace }) => chosen.get(host) === namespace)
}

/** One service for each host. */
export function byHost<S extends Declared>(services: readonly S[], caller: Caller): Map<string, S> {
  const seen = new Map<string, S>()
  for (const service of ofOneNamespace(services, caller)) see(seen, service)
  return seen
}

/** Adds a service to those seen; of services that are alike the first one takes the ports of the others. */
export function see<S extends Declared>(seen: Map<string, S>, service: S): void {
  const known = seen.get(service.host)
  if (known === undefined) seen.set(service.host, service)
  else if (known !== service && areAlike(known, service)) {
    const more = service.ports.filter(({ number }) => !known.ports.some(port => port.number === number))
    if (more.length > 0) seen.set(service.host, { ...known, ports: [...known.ports, ...more] })
  }
}

function areAlike(a: Declared, b: Declared): boolean {
  if (a.document === b.document) return true
  const facts = ({ namespace, resolution, document: { metadata, spec } }: Declared) =>
    JSON.stringify([
      namespace,
      resolution,
      [...(spec.exportTo ?? [])].sort(),
      ...[metadata.labels, spec.workloadSelector?.labels].map(map => Object.entries(map ?? {}).sort()),
    ])
  return facts(a) === facts(b)
}

/** One service for each address of each host; an address that is a range of one is that one. */
function readServices(document: RuleDocument, workloads: Workloads, caller: Caller): Declared[] {
  const { spec } = document
  const namespace = namespaceOf(document)
  const wanted = spec.workloadSelector?.labels
  const isNamed = String(spec.resolution).startsWith('DNS')
  const endpoints: ServiceEndpoint[] = (spec.endpoints ?? []).map((endpoint: any) => readEndpoint(endpoint, document.trust))
  if (wanted !== undefined)
    for (const { entry, document: workload } of workloads.with(wanted, namespace))
      if ((isNamed || isAddress(entry.address ?? '')) && isTrustedJoin(document, workload, caller))
        endpoints.push(readEndpoint(entry, common(document.trust, workload.trust)))
  const ports: ServicePort[] = (spec.ports ?? []).map(readPort)
  const addresses: string[] = (spec.addresses ?? []).map((address: string) => address.replace(/^([^:]+)\/32$|^(.*:.*)\/128$/, '$1$2'))
  return (spec.hosts ?? []).flatMap((host: unknown) =>
    (addresses.length > 0 ? addresses : [undefined]).map(address => ({
      host: hostIn(document, String(host), caller),
      namespace,
      name: document.metadata.name,
      resolution: spec.resolution ?? 'NONE',
      address,
      ports,
      endpoints,
      selects: wanted !== undefined,
      document,
      all: [],
    })),
  )
}

/** A WorkloadEntry with its labels put together. */
interface Workload {
  readonly entry: any
  readonly document: RuleDocument
}

/** WorkloadEntries by namespace and label, since each of many services looks for a few of many. */
export class Workloads {
  readonly #byLabel = new Map<string, Workload[]>()

  constructor(documents: readonly RuleDocument[]) {
    for (const document of documents) {
      const labels: Record<string, string> = { ...document.spec?.labels, ...document.metadata.labels }
      const workload = { entry: { ...document.spec, labels }, document }
      this.#add(`${namespaceOf(document)}/`, workload)
      for (const [name, value] of Object.entries(labels)) this.#add(`${namespaceOf(document)}/${name}=${value}`, workload)
    }
  }

  with(labels: Record<string, string>, namespace: string): Workload[] {
    const [first] = Object.entries(labels)
    const some = this.#byLabel.get(first === undefined ? `${namespace}/` : `${namespace}/${first[0]}=${first[1]}`) ?? []
    return some.filter(({ entry }) => hasLabels(entry.labels, labels))
  }

  #add(key: string, workload: Workload): void {
    const same = this.#byLabel.get(key)
    if (same === undefined) this.#byLabel.set(key, [workload])
    else same.push(workload)
  }
}

function readPort(port: any): ServicePort {
  const protocol = String(port.protocol ?? '').toUpperCase()
  const read: ServicePort = { number: Number(port.number), name: port.name ?? '', protocol: KNOWN.has(protocol) ? protocol : '' }
  if (port.targetPort) read.targetPort = Number(port.targetPort)
  return read
}

function readEndpoint(endpoint: any, trust: Trust | undefined): ServiceEndpoint {
  const labels: Record<string, string> = endpoint.labels ?? {}
  return {
    address: endpoint.address ?? '',
    ports: endpoint.ports ?? {},
    labels,
    locality: endpoint.locality || slashed(labels['topology.istio.io/locality'] ?? labels['istio-locality'] ?? ''),
    network: endpoint.network ?? '',
    weight: Number(endpoint.weight ?? 0) || 1,
    trust: common(trust, undefined),
  }
}

/** A label has no slashes: points stand for them. */
function slashed(label: string): string {
  return label.includes('/') ? label : label.replaceAll('.', '/')
}
