/** Ports and domains of route configurations that no recording shows; read from the source of istiod 1.29. */
import { describe, expect, it } from 'vitest'
import { translate } from '../../../src/rules/translate.ts'

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
