/** Ports and domains of route configurations that no recording shows; read from the source of istiod 1.29. */
import { describe, expect, it } from 'vitest'
import { translate } from '../../../src/rules/translate.ts'
import { validate } from '../../../src/rules/validate.ts'

const document = (kind: string, name: string, spec: object, annotations?: Record<string, string>) => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'shop', ...(annotations && { annotations }) },
  spec,
})
const http = (number: number) => [{ number, name: 'http', protocol: 'HTTP' }]
const hostsOn = (documents: object[], port: number, options = {}) =>
  translate(documents, { workload: { namespace: 'shop' }, ...options })
    .routes.find(({ name }) => name === String(port))
    ?.virtualHosts?.map(({ name }) => name)

describe("a Sidecar's port that no service has", () => {
  const web = document('ServiceEntry', 'web', { hosts: ['web.test'], ports: http(8080), resolution: 'DNS' })
  const listener = (number: number, protocol: string) => ({ port: { number, protocol, name: 'p' }, hosts: ['./*'] })
  const sidecar = (spec: object) => document('Sidecar', 'default', spec)

  it('routes what nobody declared, as the mesh wants it', () => {
    const documents = (spec: object) => [web, sidecar({ egress: [listener(9999, 'HTTP'), { hosts: ['./*'] }], ...spec })]
    expect(hostsOn(documents({}), 9999)).toEqual(['allow_any'])
    expect(hostsOn(documents({ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }), 9999)).toEqual(['block_all'])
    expect(hostsOn(documents({}), 8080)).toEqual(['web.test:8080', 'allow_any'])
  })
  it('has rules for unknown hosts when it is 80', () => {
    const rule = document('VirtualService', 'lone', { hosts: ['lone.test'], http: [{ directResponse: { status: 200 } }] })
    const documents = [web, rule, sidecar({ egress: [listener(80, 'HTTP'), listener(81, 'HTTP')] })]
    expect(hostsOn(documents, 80)).toEqual(['lone.test:80', 'allow_any'])
    expect(hostsOn(documents, 81)).toEqual(['allow_any'])
  })
  it.each(['TCP', 'TLS', 'MYSQL', 'HTTPS'])('has no routes when it speaks %s', protocol =>
    expect(hostsOn([web, sidecar({ egress: [listener(9999, protocol)] })], 9999)).toBeUndefined(),
  )
})

describe('a headless Service', () => {
  const head = (annotations?: Record<string, string>) =>
    document('ServiceEntry', 'head', { hosts: ['head.shop.svc.cluster.local'], ports: http(80), resolution: 'NONE' }, annotations)
  const domains = (documents: object[]) =>
    translate(documents, { workload: { namespace: 'shop' } }).routes[0]!.virtualHosts!.find(({ name }) => name.startsWith('head'))!.domains
  const names = ['head.shop.svc.cluster.local', 'head.shop.svc.cluster.local.', 'head', 'head.shop.svc', 'head.shop']

  it('is reached by the names of its pods as well', () => {
    expect(domains([head({ 'meshless.dev/headless': 'true' })])).toEqual([...names, ...names.map(name => `*.${name}`)])
  })
  it('which a ServiceEntry of its own right is not', () => expect(domains([head()])).toEqual(names))
})

describe('a host with capitals, which istiod routes in lower case and whose cluster keeps its letters', () => {
  const service = (host: string) => document('ServiceEntry', 'a', { hosts: [host], ports: http(80), resolution: 'STATIC' })
  const route = (documents: object[]) => {
    const made = translate(documents, { workload: { namespace: 'shop' } })
    const { domains, routes } = made.routes[0]!.virtualHosts![0]!
    return { domain: domains[0], to: routes![0]!.route!.cluster, clusters: made.clusters.slice(2).map(({ name }) => name) }
  }
  const rule = (hosts: string[], host: string) => document('VirtualService', 'v', { hosts, http: [{ route: [{ destination: { host } }] }] })

  it('leads nowhere by its default route', () =>
    expect(route([service('A.test')])).toEqual({ domain: 'a.test', to: 'outbound|80||a.test', clusters: ['outbound|80||A.test'] }))
  it('is reached by a VirtualService that names it as it is written', () => {
    for (const host of ['A.test', 'a.test', 'a.TEST'])
      expect(route([service('A.test'), rule([host], 'A.test')])).toMatchObject({ domain: 'a.test', to: 'outbound|80||A.test' })
  })
  it('is not found by a destination in other letters', () =>
    expect(route([service('a.test'), rule(['A.test'], 'A.test')])).toEqual({
      domain: 'a.test',
      to: 'outbound|80||A.test',
      clusters: ['outbound|80||a.test'],
    }))
  it('is not what a DestinationRule in other letters is about', () => {
    const policy = (host: string) => document('DestinationRule', 'd', { host, subsets: [{ name: 'v1' }] })
    expect(route([service('a.test'), policy('A.test')]).clusters).toEqual(['outbound|80||a.test'])
    expect(route([service('A.test'), policy('A.test')]).clusters).toEqual(['outbound|80||A.test', 'outbound|80|v1|A.test'])
  })
  it('is warned of where it names a service', () => {
    const warned = (...documents: object[]) => validate(documents).flatMap(d => (d.code === 'upper-case-host' ? [d.path] : []))
    expect(warned(service('A.test'))).toEqual(['spec.hosts[0]'])
    expect(warned(document('DestinationRule', 'd', { host: 'A.test' }))).toEqual(['spec.host'])
    expect(warned(rule(['A.test'], 'B.test'))).toEqual(['spec.http[0].route[0].destination.host'])
    expect(warned(rule(['A.test'], 'a.test'))).toEqual([])
  })
})
