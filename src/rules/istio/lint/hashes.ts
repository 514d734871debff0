/** Sticky calls that do not stick. */
import { eachPolicy, eachRoute, type LintRule } from './rule.ts'

export const hashes: readonly LintRule[] = [
  eachRoute('hash-with-weights', (http, path, report, { document, view }) => {
    const targets: any[] = http.route ?? []
    if (targets.filter(({ weight = 0 }) => weight > 0).length < 2) return
    if (targets.some(({ destination }) => view.policyFor(destination, document).loadBalancer?.consistentHash !== undefined))
      report(
        `${path}.route`,
        'the destination is drawn anew for each request; the hash only chooses an endpoint inside of it',
        'match a header or cookie for each version, so that a caller stays with one',
      )
  }),
  eachPolicy('cookie-without-ttl', (policy, path, report) => {
    const cookie = policy.loadBalancer?.consistentHash?.httpCookie
    if (cookie !== undefined && cookie.ttl === undefined)
      report(
        `${path}.loadBalancer.consistentHash.httpCookie`,
        'without ttl no cookie is made: callers that do not send one are spread at random',
        'add ttl: 0s for a cookie of the session',
      )
  }),
  eachPolicy('hash-without-key', (policy, path, report) => {
    const hash = policy.loadBalancer?.consistentHash
    if (hash !== undefined && !['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'].some(key => hash[key]))
      report(
        `${path}.loadBalancer.consistentHash`,
        'nothing is hashed, so every call goes anywhere on the ring',
        'add httpHeaderName: or another key',
      )
  }),
  eachPolicy('maglev-small', (policy, path, report, { document, view, subset }) => {
    const size = policy.loadBalancer?.consistentHash?.maglev?.tableSize
    const hosts = view.endpoints(document.spec.host, document, subset?.labels)
    if (size !== undefined && size < Math.max(100, 100 * (hosts ?? 0)))
      report(
        `${path}.loadBalancer.consistentHash.maglev.tableSize`,
        `a table of ${size} places shares badly between endpoints`,
        'use 65537, or 100 places for each endpoint',
      )
  }),
]
