/** The services that documents declare: hosts with ports and endpoints, from ServiceEntries and the WorkloadEntries they select. */
import type { RuleDocument } from './document.ts'
import { type Caller, hasLabels, hostIn, isExportedTo, namespaceOf, ofKind } from './select-documents.ts'

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
  name: string
  resolution: string
  addresses: string[]
  ports: ServicePort[]
  endpoints: ServiceEndpoint[]
  document: RuleDocument
}

const HTTP = new Set(['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTP_PROXY'])
const KNOWN = new Set([...HTTP, 'HTTPS', 'TLS', 'TCP', 'MONGO', 'REDIS', 'MYSQL', 'UDP'])

export function isHttp(port: ServicePort): boolean {
  return HTTP.has(port.protocol)
}

/** Protocol not said: Envoy looks at the first bytes. */
export function isSniffed(port: ServicePort): boolean {
  return port.protocol === ''
}

export function isHttp2(port: ServicePort): boolean {
  return port.protocol === 'HTTP2' || port.protocol === 'GRPC' || port.protocol === 'GRPC-WEB'
}

/** All services that the caller may know, by host. Of two namespaces that declare one host, the caller's own wins, else the first. */
export function selectServices(documents: readonly RuleDocument[], caller: Caller): Map<string, Service> {
  const workloads = ofKind(documents, 'WorkloadEntry')
  const services = new Map<string, Service>()
  for (const document of ofKind(documents, 'ServiceEntry')) {
    if (!isExportedTo(document, caller.namespace, caller.mesh.defaultServiceExportTo)) continue
    for (const written of document.spec?.hosts ?? []) {
      const host = hostIn(document, String(written), caller).toLowerCase()
      const service = readService(document, host, workloads)
      const known = services.get(host)
      if (known === undefined) services.set(host, service)
      else if (known.namespace === service.namespace) join(known, service)
      else if (service.namespace === caller.namespace) services.set(host, service)
    }
  }
  return services
}

function readService(document: RuleDocument, host: string, workloads: readonly RuleDocument[]): Service {
  const { spec } = document
  const namespace = namespaceOf(document)
  const endpoints: ServiceEndpoint[] = (spec.endpoints ?? []).map(readEndpoint)
  const wanted = spec.workloadSelector?.labels
  if (wanted !== undefined) {
    for (const workload of workloads) {
      const labels = { ...workload.metadata.labels, ...workload.spec?.labels }
      if (namespaceOf(workload) === namespace && hasLabels(labels, wanted)) endpoints.push(readEndpoint({ ...workload.spec, labels }))
    }
  }
  return {
    host,
    namespace,
    name: document.metadata.name,
    resolution: spec.resolution ?? 'NONE',
    addresses: spec.addresses ?? [],
    ports: (spec.ports ?? []).map(readPort),
    endpoints,
    document,
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

/** Two entries of one host and namespace are one service. */
function join(known: Service, more: Service): void {
  for (const port of more.ports) if (!known.ports.some(({ number }) => number === port.number)) known.ports.push(port)
  known.endpoints.push(...more.endpoints)
  for (const address of more.addresses) if (!known.addresses.includes(address)) known.addresses = [...known.addresses, address]
}
