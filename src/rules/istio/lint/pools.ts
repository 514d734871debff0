/** Limits that refuse more than is meant, and policies of ports that forget the rest. */
import { parseDuration } from '../../../base/time/duration.ts'
import { member, type RuleDocument } from '../document.ts'
import { eachPolicy, type LintRule } from './rule.ts'
import type { View } from './view.ts'

/** What making a connection takes where it is slow, ms. */
const CONNECT = 100
const TLS_HANDSHAKE = 1000

const BLOCKS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'] as const

export const pools: readonly LintRule[] = [
  eachPolicy('pool-cold-start', (policy, path, report) => {
    const pending = policy.connectionPool?.http?.http1MaxPendingRequests
    if (pending > 0 && pending < 5)
      report(
        `${path}.connectionPool.http.http1MaxPendingRequests`,
        `a request waits here while its connection is made: of a burst without open connections all but about ${pending} get 503`,
        'allow as many as may come at once; bound requests by http2MaxRequests',
      )
  }),
  eachPolicy('limit-zero', (policy, path, report) => {
    const limits = [
      ['tcp', 'maxConnections'],
      ['http', 'http1MaxPendingRequests'],
      ['http', 'http2MaxRequests'],
      ['http', 'maxRetries'],
    ] as const
    for (const [layer, field] of limits)
      if (policy.connectionPool?.[layer]?.[field] === 0)
        report(
          `${path}.connectionPool.${layer}.${field}`,
          '0 means unlimited, not none',
          'leave it out; to have no retries write attempts: 0 in the VirtualService',
        )
  }),
  eachPolicy('idle-timeout-short', (policy, path, report, { document, view }) => {
    const { tcp, http } = policy.connectionPool ?? {}
    const isTls = policy.tls?.mode === 'SIMPLE' || policy.tls?.mode === 'MUTUAL' || speaksTls(view, document)
    for (const [layer, text] of [
      ['tcp', tcp?.idleTimeout],
      ['http', http?.idleTimeout],
    ] as const) {
      const idle = typeof text === 'string' ? parseDuration(text) : undefined
      if (idle === undefined || idle <= 0 || idle >= (isTls ? TLS_HANDSHAKE : CONNECT)) continue
      const what = isTls ? 'a TLS handshake may take longer' : 'connecting may take longer'
      report(
        `${path}.connectionPool.${layer}.idleTimeout`,
        `a connection is idle until its first request: after ${text} it is closed, and ${what}`,
        isTls ? 'use 1s or more' : 'use 100ms or more',
      )
    }
  }),
  {
    code: 'port-level-replaces',
    kind: 'DestinationRule',
    check(document, _view, report) {
      const policy = document.spec.trafficPolicy
      for (const [index, entry] of (policy?.portLevelSettings ?? []).entries()) {
        const forgotten = BLOCKS.filter(block => policy[block] !== undefined && entry[block] === undefined)
        if (forgotten.length > 0)
          report(
            member('spec.trafficPolicy.portLevelSettings', index),
            `for this port ${forgotten.join(', ')} goes back to the default: an entry for a port replaces the whole policy`,
            `repeat ${forgotten.join(', ')} here`,
          )
      }
    },
  },
  {
    code: 'port-level-port',
    kind: 'DestinationRule',
    check(document, view, report) {
      const seen = new Set<number>()
      const ports = view.service(document.spec.host, document)?.ports
      for (const [index, entry] of (document.spec.trafficPolicy?.portLevelSettings ?? []).entries()) {
        const number: number = entry.port?.number ?? 0
        const at = `${member('spec.trafficPolicy.portLevelSettings', index)}.port`
        if (seen.has(number)) report(at, `the port ${number} is there twice: the first entry counts`, 'one entry for each port')
        else if (number < 1 || number > 65535) report(at, `there is no port ${number}`, 'give a port from 1 to 65535')
        else if (ports !== undefined && !ports.some(port => port.number === number))
          report(at, `${document.spec.host} has no port ${number}`, `its ports: ${ports.map(port => port.number).join(', ')}`)
        seen.add(number)
      }
    },
  },
]

function speaksTls(view: View, document: RuleDocument): boolean {
  const ports = view.service(document.spec.host, document)?.ports ?? []
  return ports.some(({ protocol }) => protocol === 'HTTPS' || protocol === 'TLS')
}
