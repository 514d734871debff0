/** Sidecar: what a workload sees of the mesh. */
import { destination, workloadSelector } from './common.ts'
import { connectionPool } from './destination-rule.ts'
import { boolean, field, list, message, oneOfNames, string, uint32 } from './field.ts'

const sidecarPort = message('A port of a listener.', 'SidecarPort', {
  number: field('Number.', uint32),
  protocol: field('What is spoken.', string),
  name: field('Name.', string),
  targetPort: field('Not for a Sidecar.', uint32, { verdict: 'refused' }),
})
const captureMode = oneOfNames('DEFAULT', 'IPTABLES', 'NONE')
const tlsVersion = oneOfNames('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3')

const serverTls = message('TLS of a server.', 'ServerTLSSettings', {
  httpsRedirect: field('Sends HTTP to HTTPS.', boolean),
  mode: field('How.', oneOfNames('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL')),
  serverCertificate: field('File of the certificate.', string),
  privateKey: field('File of its key.', string),
  caCertificates: field('File of the authorities.', string),
  caCrl: field('File of revoked certificates.', string),
  caCertCredentialName: field('Secret of the authorities.', string),
  credentialName: field('A secret.', string),
  credentialNames: field('Several secrets.', list(string, 1, 2)),
  tlsCertificates: field(
    'Several certificates.',
    list(
      message('A certificate.', 'TLSCertificate', {
        serverCertificate: field('File.', string),
        privateKey: field('File.', string),
        caCertificates: field('File.', string),
      }),
      1,
      2,
    ),
  ),
  subjectAltNames: field('Names of clients.', list(string)),
  verifyCertificateSpki: field('Hashes of keys.', list(string)),
  verifyCertificateHash: field('Hashes of certificates.', list(string)),
  minProtocolVersion: field('At least.', tlsVersion),
  maxProtocolVersion: field('At most.', tlsVersion),
  cipherSuites: field('Ciphers.', list(string)),
})

export const sidecar = message('What a workload sees of the mesh.', 'SidecarSpec', {
  workloadSelector: field('Workloads this is for.', workloadSelector, {
    default: 'all of the namespace',
    note: "the mesh's `workload.labels`",
  }),
  ingress: field(
    'Calls that come in.',
    list(
      message(
        'A listener for calls that come in.',
        'IstioIngressListener',
        {
          port: field('Its port.', sidecarPort),
          bind: field('Its address.', string),
          captureMode: field('How calls reach it.', captureMode),
          defaultEndpoint: field('Where calls go.', string),
          tls: field('TLS.', serverTls),
          connectionPool: field('Limits.', connectionPool),
        },
        ['port'],
      ),
    ),
    { verdict: 'ignored' },
  ),
  egress: field(
    'Calls that go out: what is seen.',
    list(
      message(
        'A listener for calls that go out.',
        'IstioEgressListener',
        {
          port: field('The one port it is for.', sidecarPort, { default: 'the ports without a listener of their own' }),
          bind: field('Its address.', string, { verdict: 'ignored' }),
          captureMode: field('How calls reach it.', captureMode, { verdict: 'ignored' }),
          hosts: field('What is seen: `namespace/host`, with "*", "." and "~" for namespaces.', list(string)),
        },
        ['hosts'],
      ),
    ),
    { default: 'everything' },
  ),
  inboundConnectionPool: field('Limits of calls that come in.', connectionPool, { verdict: 'ignored' }),
  outboundTrafficPolicy: field(
    'Calls to hosts that nobody declared.',
    message('What becomes of calls to unknown hosts.', 'OutboundTrafficPolicy', {
      mode: field('Answered with 502, or let through.', oneOfNames('REGISTRY_ONLY', 'ALLOW_ANY'), { default: 'REGISTRY_ONLY' }),
      egressProxy: field('Where they go instead.', destination),
    }),
    { default: "the mesh's, ALLOW_ANY" },
  ),
})
