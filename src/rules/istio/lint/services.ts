/** Services and subsets that nobody can reach, or that are not what they look like. */
import { member } from '../document.ts'
import type { LintRule } from './rule.ts'

export const services: readonly LintRule[] = [
  {
    code: 'service-without-ports',
    kind: 'ServiceEntry',
    check(document, _view, report) {
      if (!(document.spec.ports?.length > 0))
        report('spec', 'a service without ports has no clusters and no routes', 'add ports: [{ number: 80, name: http, protocol: HTTP }]')
    },
  },
  {
    code: 'service-without-endpoints',
    kind: 'ServiceEntry',
    check(document, view, report) {
      if (document.spec.resolution !== 'STATIC') return
      for (const host of document.spec.hosts ?? [])
        if (view.endpoints(host, document) === 0) {
          report(
            'spec',
            `${host} has no endpoints: calls get 503`,
            document.spec.workloadSelector ? 'no WorkloadEntry has these labels' : 'add endpoints:',
          )
          return
        }
    },
  },
  {
    code: 'port-not-http',
    kind: 'ServiceEntry',
    check(document, _view, report) {
      for (const [index, { name = '', protocol = '' }] of (document.spec.ports ?? []).entries())
        if (/^(?:http|grpc)/i.test(name) && !/^https/i.test(name) && /^(?:TCP)?$/i.test(protocol))
          report(
            member('spec.ports', index),
            `the name ${name} does not make it HTTP: the protocol of a ServiceEntry is what protocol says`,
            'add protocol: HTTP',
          )
    },
  },
  {
    code: 'service-short-host',
    kind: 'ServiceEntry',
    check(document, view, report) {
      for (const [index, host] of (document.spec.hosts ?? []).entries())
        if (view.full(host, document) !== String(host))
          report(
            member('spec.hosts', index),
            `${host} is completed here; Istio leaves it, so that no rule for ${view.full(host, document)} finds it`,
            `write ${view.full(host, document)}`,
          )
    },
  },
  {
    code: 'subset-without-endpoints',
    kind: 'DestinationRule',
    check(document, view, report) {
      for (const [index, subset] of (document.spec.subsets ?? []).entries())
        if (view.endpoints(document.spec.host, document) && view.endpoints(document.spec.host, document, subset.labels) === 0)
          report(
            member('spec.subsets', index),
            `no endpoint of ${document.spec.host} has the labels of ${subset.name}: calls get 503`,
            'compare the labels with those of the endpoints',
          )
    },
  },
]
