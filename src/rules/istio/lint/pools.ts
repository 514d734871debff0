/** Limits that refuse more than is meant, and policies of ports that forget the rest. */
import { member } from '../document.ts'
import { eachPolicy, type LintRule } from './rule.ts'

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
