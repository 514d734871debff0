/** Traffic policies, which occur for a host, a subset and a port. */
import { parseDuration } from '../../../base/time/duration.ts'
import { member } from '../document.ts'
import { type Check, domainFault, isIp } from './check.ts'
import { loadBalancer } from './load-balancer.ts'

const BLOCKS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls', 'tunnel', 'proxyProtocol', 'retryBudget']

export function trafficPolicy(check: Check, policy: any, path: string): void {
  if (!BLOCKS.some(block => policy[block] !== undefined) && !(policy.portLevelSettings?.length > 0))
    check.error('empty-policy', path, 'a trafficPolicy without anything in it', `give one of ${BLOCKS.join(', ')}, portLevelSettings`)
  blocks(check, policy, path)
  for (const [index, settings] of (policy.portLevelSettings ?? []).entries()) {
    const at = member(`${path}.portLevelSettings`, index)
    if (settings.port === undefined) check.error('required', at, 'port is required', 'add port: { number: … }')
    if (!BLOCKS.some(block => settings[block] !== undefined))
      check.error(
        'empty-policy',
        at,
        'settings of a port without anything in them',
        'give loadBalancer, connectionPool, outlierDetection or tls',
      )
    blocks(check, settings, at)
  }
  if (policy.tunnel !== undefined) tunnel(check, policy.tunnel, `${path}.tunnel`)
  if (policy.tunnel !== undefined && policy.proxyProtocol !== undefined)
    check.error('conflict', `${path}.proxyProtocol`, 'tunnel and proxyProtocol exclude each other', 'leave one of them out')
}

function blocks(check: Check, policy: any, path: string): void {
  if (policy.loadBalancer !== undefined)
    loadBalancer(check, policy.loadBalancer, `${path}.loadBalancer`, policy.outlierDetection !== undefined)
  if (policy.connectionPool !== undefined) connectionPool(check, policy.connectionPool, `${path}.connectionPool`)
  if (policy.outlierDetection !== undefined) outlierDetection(check, policy.outlierDetection, `${path}.outlierDetection`)
  if (policy.tls !== undefined) tls(check, policy.tls, `${path}.tls`)
}

export function connectionPool(check: Check, { tcp, http }: any, path: string): void {
  if (tcp === undefined && http === undefined)
    check.error('empty-policy', path, 'a connectionPool without anything in it', 'give tcp or http')
  check.notNegative(tcp?.maxConnections, `${path}.tcp.maxConnections`)
  for (const field of ['connectTimeout', 'maxConnectionDuration']) check.duration(tcp?.[field], `${path}.tcp.${field}`)
  for (const field of ['time', 'interval']) check.duration(tcp?.tcpKeepalive?.[field], `${path}.tcp.tcpKeepalive.${field}`)
  // Less than a millisecond means "never".
  if (Math.trunc(parseDuration(tcp?.idleTimeout ?? '0s') ?? 0) !== 0) check.duration(tcp.idleTimeout, `${path}.tcp.idleTimeout`)
  for (const field of ['http1MaxPendingRequests', 'http2MaxRequests', 'maxRequestsPerConnection', 'maxRetries', 'maxConcurrentStreams'])
    check.notNegative(http?.[field], `${path}.http.${field}`)
  check.duration(http?.idleTimeout, `${path}.http.idleTimeout`)
  if (http?.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol === true)
    check.error(
      'conflict',
      `${path}.http.useClientProtocol`,
      'useClientProtocol contradicts h2UpgradePolicy UPGRADE',
      'leave one of them out',
    )
}

function outlierDetection(check: Check, detection: any, path: string): void {
  check.duration(detection.interval, `${path}.interval`)
  check.duration(detection.baseEjectionTime, `${path}.baseEjectionTime`)
  if (detection.consecutiveErrors)
    check.warn(
      'deprecated',
      `${path}.consecutiveErrors`,
      'consecutiveErrors is deprecated and has no effect',
      'use consecutiveGatewayErrors or consecutive5xxErrors',
    )
  if (detection.consecutiveLocalOriginFailures > 0 && detection.splitExternalLocalOriginErrors !== true)
    check.error(
      'conflict',
      `${path}.consecutiveLocalOriginFailures`,
      'local origin failures are not counted apart',
      'add splitExternalLocalOriginErrors: true',
    )
  check.percent(detection.maxEjectionPercent, `${path}.maxEjectionPercent`)
  check.percent(detection.minHealthPercent, `${path}.minHealthPercent`)
  for (const [index, code] of (detection.outlierDetectionHttpErrorCodes ?? []).entries())
    if (code < 100 || code > 599)
      check.error('invalid-status', member(`${path}.outlierDetectionHttpErrorCodes`, index), `${code} is no HTTP status`, 'give 100 to 599')
}

function tls(check: Check, tls: any, path: string): void {
  configMap(check, tls.credentialName ?? '', `${path}.credentialName`)
  const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'].filter(field => tls[field])
  const simple = tls.mode === 'SIMPLE'
  const useless = tls.caCertificates || tls.subjectAltNames?.length > 0 || (simple && tls.credentialName)
  if (tls.insecureSkipVerify === true && (simple || tls.mode === 'MUTUAL') && useless)
    check.error(
      'conflict',
      `${path}.insecureSkipVerify`,
      'insecureSkipVerify makes caCertificates, credentialName and subjectAltNames useless',
      'leave insecureSkipVerify out',
    )
  if ((tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL') && tls.credentialName) {
    if (files.length > 0)
      check.error('conflict', `${path}.${files[0]}`, `credentialName and ${files.join(', ')} exclude each other`, 'leave one of them out')
    return
  }
  if (tls.mode === 'ISTIO_MUTUAL')
    check.warn(
      'not-executed',
      `${path}.mode`,
      'ISTIO_MUTUAL needs the identity of a sidecar, which a process does not have: connections are plain',
      'use MUTUAL with files of your own; leave it where all callers have a sidecar',
    )
  if (tls.mode !== 'MUTUAL') return
  for (const field of ['clientCertificate', 'privateKey'])
    if (!tls[field]) check.error('required', path, `${field} is required for mutual TLS`, `add ${field}: with the path of the file`)
}

function tunnel(check: Check, tunnel: any, path: string): void {
  if (tunnel.protocol && tunnel.protocol !== 'CONNECT' && tunnel.protocol !== 'POST')
    check.error('unknown-value', `${path}.protocol`, `${JSON.stringify(tunnel.protocol)} is no tunnel protocol`, 'use CONNECT or POST')
  const fault = isIp(tunnel.targetHost ?? '') ? undefined : domainFault(tunnel.targetHost ?? '', false)
  if (fault !== undefined) check.error('invalid-host', `${path}.targetHost`, fault, 'a DNS name or an IP address')
  check.port(tunnel.targetPort, `${path}.targetPort`)
}

/** Certificates in a ConfigMap are those of the rule's own namespace. */
function configMap(check: Check, name: string, path: string): void {
  if (!name.startsWith('configmap://')) return
  const parts = name.slice('configmap://'.length).split('/')
  if (parts.length > 2 || parts.includes('') || (parts.length === 2 && parts[0] !== check.namespace))
    check.error('invalid-credential', path, `${name} is not in the namespace ${check.namespace}`, 'write configmap://name')
}
