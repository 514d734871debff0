/** ServiceEntry and WorkloadEntry: the services there are, and where they are. */
import { EXPORT_TO, exportTo, workloadSelector } from './common.ts'
import { type Field, field, list, map, message, oneOfNames, string, text, uint32 } from './field.ts'

const RESOLUTION: Field = { type: 'enum', values: ['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'], closed: true }

export const workloadEntry = message('An endpoint.', 'WorkloadEntrySpec', {
  address: field('An IP address, a DNS name, or `unix:///path`.', text(256)),
  ports: field('Ports by the names that the service gives them.', map(uint32, 128), {
    default: 'targetPort, else the port of the service',
  }),
  labels: field('Labels that subsets and failover look at.', map(string, 256)),
  network: field('Network of the endpoint.', text(2048), { verdict: 'ignored' }),
  locality: field('region/zone/subzone.', text(2048), { default: 'the label istio-locality' }),
  weight: field('Its share among its neighbours; 0 is 1.', uint32, { default: 1 }),
  serviceAccount: field('Identity of the endpoint.', text(253), { verdict: 'ignored' }),
})

export const serviceEntry = message(
  'A service: hosts, ports and endpoints.',
  'ServiceEntrySpec',
  {
    hosts: field('Its names.', list(string, 1, 256)),
    addresses: field('Its virtual addresses, or networks.', list(text(64), undefined, 256), {
      verdict: 'in-process',
      note: 'a further name of the host; nothing is captured',
    }),
    ports: field(
      'Its ports.',
      list(
        message(
          'A port of a service.',
          'ServicePort',
          {
            number: field('Number.', uint32),
            protocol: field('HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, MYSQL, REDIS or UDP.', text(256), {
              default: 'found out from the traffic',
              note: 'only HTTP is governed; a port of HTTPS or TLS gets one route to its cluster',
            }),
            name: field('Name.', text(256)),
            targetPort: field('Port of the endpoints.', uint32, { default: 'number' }),
          },
          ['number', 'name'],
        ),
        undefined,
        256,
      ),
    ),
    location: field('Inside or outside of the mesh.', oneOfNames('MESH_EXTERNAL', 'MESH_INTERNAL'), {
      default: 'MESH_EXTERNAL',
      verdict: 'in-process',
      note: 'decides whether context headers are passed on',
    }),
    resolution: field('How endpoints are found.', RESOLUTION, {
      default: 'NONE',
      note: 'DYNAMIC_DNS is for ztunnel and waypoints: as in a sidecar it has no cluster, calls get 503',
    }),
    endpoints: field('Its endpoints.', list(workloadEntry, undefined, 4096), { default: 'with DNS: its hosts' }),
    workloadSelector: field('Its endpoints are WorkloadEntries with these labels.', workloadSelector, { note: 'pods are not looked at' }),
    exportTo: field(`${EXPORT_TO} "~" is nobody.`, exportTo, { default: '*' }),
    subjectAltNames: field('Names that a server may have.', list(string), { verdict: 'ignored', note: 'use tls.subjectAltNames' }),
  },
  ['hosts'],
)
