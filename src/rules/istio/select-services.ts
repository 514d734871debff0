/** The services that documents declare: hosts with ports and endpoints, from ServiceEntries and the WorkloadEntries they select. */
import type { RuleDocument } from './document.ts'
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
  weight: number
}

export interface Service {
  host: string
  namespace: string
  nearness: Nearness
  name: string
  resolution: string
  addresses: string[]
  ports: ServicePort[]
  endpoints: ServiceEndpoint[]
  /** Endpoints are those of the WorkloadEntries with some labels. */
  selects: boolean
  document: RuleDocument
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

/**
 * All services exported to the caller, nearest first, the older before the younger. Entries of one host and namespace are one service; of
 * several namespaces that declare a host each has its own.
 */
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
  services.sort(byPreference)
  const known = new Map<string, Service>()
  return services.filter(service => {
    const key = `${service.namespace}/${service.host}`
    const first = known.get(key)
    if (first === undefined) known.set(key, service)
    else join(first, service)
    return first === undefined
  })
}

/** A service as it is declared, whoever looks. */
export type Declared = Omit<Service, 'nearness'>

/** All services of the documents. Made once for those who look at them from several namespaces. */
export function declaredServices(documents: readonly RuleDocument[], caller: Caller): Declared[] {
  const workloads = new Workloads(ofKind(documents, 'WorkloadEntry'))
  return ofKind(documents, 'ServiceEntry').flatMap(document =>
    (document.spec?.hosts ?? []).map((written: unknown) =>
      readService(document, hostIn(document, String(written), caller).toLowerCase(), workloads),
    ),
  )
}

function byPreference(a: Service, b: Service): number {
  return (
    NEARNESS.indexOf(a.nearness) - NEARNESS.indexOf(b.nearness) ||
    bornAt(a.document) - bornAt(b.document) ||
    compare(a.host, b.host) ||
    compare(a.namespace, b.namespace)
  )
}

/** One service for each host: the caller's own, else the first. */
export function byHost(services: Iterable<Service>, caller: Caller): Map<string, Service> {
  const chosen = new Map<string, Service>()
  for (const service of services)
    if (!chosen.has(service.host) || (service.namespace === caller.namespace && chosen.get(service.host)!.namespace !== caller.namespace))
      chosen.set(service.host, service)
  return chosen
}

function readService(document: RuleDocument, host: string, workloads: Workloads): Declared {
  const { spec } = document
  const namespace = namespaceOf(document)
  const endpoints: ServiceEndpoint[] = (spec.endpoints ?? []).map(readEndpoint)
  const wanted = spec.workloadSelector?.labels
  if (wanted !== undefined) for (const entry of workloads.with(wanted, namespace)) endpoints.push(readEndpoint(entry))
  return {
    host,
    namespace,
    name: document.metadata.name,
    resolution: spec.resolution ?? 'NONE',
    addresses: spec.addresses ?? [],
    ports: (spec.ports ?? []).map(readPort),
    endpoints,
    selects: wanted !== undefined,
    document,
  }
}

/** WorkloadEntries by namespace and label, since each of many services looks for a few of many. */
class Workloads {
  readonly #byLabel = new Map<string, any[]>()

  constructor(documents: readonly RuleDocument[]) {
    for (const document of documents) {
      const labels: Record<string, string> = { ...document.metadata.labels, ...document.spec?.labels }
      const entry = { ...document.spec, labels }
      this.#add(`${namespaceOf(document)}/`, entry)
      for (const [name, value] of Object.entries(labels)) this.#add(`${namespaceOf(document)}/${name}=${value}`, entry)
    }
  }

  with(labels: Record<string, string>, namespace: string): any[] {
    const [first] = Object.entries(labels)
    const some = this.#byLabel.get(first === undefined ? `${namespace}/` : `${namespace}/${first[0]}=${first[1]}`) ?? []
    return some.filter(entry => hasLabels(entry.labels, labels))
  }

  #add(key: string, entry: any): void {
    const same = this.#byLabel.get(key)
    if (same === undefined) this.#byLabel.set(key, [entry])
    else same.push(entry)
  }
}

function readPort(port: any): ServicePort {
  const protocol = String(port.protocol ?? '').toUpperCase()
  const read: ServicePort = { number: Number(port.number), name: port.name ?? '', protocol: KNOWN.has(protocol) ? protocol : '' }
  if (port.targetPort) read.targetPort = Number(port.targetPort)
  return read
}

function readEndpoint(endpoint: any): ServiceEndpoint {
  const labels: Record<string, string> = endpoint.labels ?? {}
  return {
    address: endpoint.address ?? '',
    ports: endpoint.ports ?? {},
    labels,
    locality: endpoint.locality || (labels['istio-locality'] ?? '').replaceAll('.', '/'),
    weight: Number(endpoint.weight ?? 0) || 1,
  }
}

/** Endpoints count for the host whoever names them; ports only of entries that are alike. What was declared is not changed. */
function join(known: Service, more: Service): void {
  known.endpoints = [...known.endpoints, ...more.endpoints]
  if (known.resolution !== more.resolution || String(known.document.spec.exportTo) !== String(more.document.spec.exportTo)) return
  known.ports = [...known.ports, ...more.ports.filter(port => !known.ports.some(({ number }) => number === port.number))]
  known.addresses = [...known.addresses, ...more.addresses.filter(address => !known.addresses.includes(address))]
}
