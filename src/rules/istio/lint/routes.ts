/** Which route is taken, and whether any request gets there. */
import { member } from '../document.ts'
import { eachRoute, type LintRule } from './rule.ts'

const CONDITIONS = [
  'scheme',
  'method',
  'authority',
  'headers',
  'port',
  'sourceLabels',
  'gateways',
  'queryParams',
  'withoutHeaders',
  'sourceNamespace',
]

/** Two labels that are surely no service and namespace. */
const PUBLIC = /\.(?:com|org|net|io|dev|app|eu|de|uk|fr|jp|cn|test|local|internal|example)$/i

function takesEverything(match: any): boolean {
  const { uri } = match
  const anyPath = uri === undefined || uri.prefix === '/' || uri.prefix === '' || uri.regex === '.*'
  return anyPath && CONDITIONS.every(field => match[field] === undefined || Object.keys(match[field]).length === 0)
}

export const routes: readonly LintRule[] = [
  {
    code: 'route-shadowed',
    kind: 'VirtualService',
    check(document, _view, report) {
      const http: any[] = document.spec.http ?? []
      const all = http.findIndex(route => route.match?.some(takesEverything))
      if (all < 0) return
      for (let later = all + 1; later < http.length; later++)
        report(member('spec.http', later), `never used: route ${all} takes every path`, 'put the route for every path last')
    },
  },
  {
    code: 'host-claimed-twice',
    kind: 'VirtualService',
    check(document, view, report) {
      for (const [index, host] of (document.spec.hosts ?? []).entries()) {
        const first = view.speakersFor(view.full(host, document))[0]?.document
        if (first !== undefined && first !== document && view.speakersFor(view.full(host, document)).some(v => v.document === document))
          report(
            member('spec.hosts', index),
            `${host} already follows ${first.metadata.name}: a sidecar does not merge, so these routes are not used`,
            'put the routes into one VirtualService, or delegate',
          )
      }
    },
  },
  eachRoute('dotted-destination', (http, path, report, { document, view }) => {
    for (const [index, { destination }] of (http.route ?? []).entries()) {
      const host = String(destination?.host ?? '')
      if (!/^[^.*]+\.[^.]+(?:\.svc)?$/.test(host) || view.service(host, document) !== undefined) continue
      if (PUBLIC.test(host)) continue
      const meant = `${host.replace(/\.svc$/, '')}.svc.cluster.local`
      report(
        `${member(`${path}.route`, index)}.destination.host`,
        `${host} has a dot, so it is taken as it is`,
        `write ${meant} if that is meant`,
      )
    }
  }),
  eachRoute('weights-sum', (http, path, report) => {
    const targets: any[] = http.route ?? []
    const sum = targets.reduce((total, { weight = 0 }) => total + weight, 0)
    if (targets.length > 1 && sum !== 100 && sum > 0)
      report(`${path}.route`, `the weights add up to ${sum}, so they are no percentages`, 'make them add up to 100', 'info')
  }),
  {
    code: 'http-rules-on-tls',
    kind: 'VirtualService',
    check(document, view, report) {
      if (!(document.spec.http?.length > 0)) return
      for (const [index, host] of (document.spec.hosts ?? []).entries()) {
        const ports = view.service(host, document)?.ports ?? []
        if (ports.length > 0 && ports.every(({ protocol }) => protocol === 'HTTPS' || protocol === 'TLS'))
          report(
            member('spec.hosts', index),
            `all ports of ${host} are encrypted end to end: Istio applies no http rules to them`,
            'declare the port as HTTP with targetPort 443, and tls: { mode: SIMPLE } in a DestinationRule',
          )
      }
    },
  },
]
