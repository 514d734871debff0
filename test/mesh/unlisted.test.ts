/** Hosts that have rules but no ServiceEntry get an assumed one; a host that is described under another spelling of its name does not. */
import { describe, expect, test } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/index.ts'

const service = (host: string, namespace = '') => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: described${namespace && `, namespace: ${namespace}`} }
spec:
  hosts: ["${host}"]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  location: MESH_INTERNAL
  endpoints: [{ address: 10.0.0.1 }]
`
const virtual = (host: string, destination = host, namespace = '') => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: route${namespace && `, namespace: ${namespace}`} }
spec: { hosts: ["${host}"], http: [{ route: [{ destination: { host: "${destination}" } }] }] }
`
const rule = (host: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: policy }
spec: { host: "${host}", trafficPolicy: { loadBalancer: { simple: RANDOM } } }
`

async function asked(documents: string[], workload = {}, url = 'http://users/') {
  const transport = fakeTransport({ '*': { body: 'ok' } })
  const names: string[] = []
  const resolver = { resolve: async (name: string) => (names.push(name), []) }
  const mesh = createMesh({ rules: documents, workload, transport, discovery: { resolver } })
  const response = await mesh.fetch(url)
  const clusters = Object.keys(mesh.snapshot().clusters).filter(name => name.startsWith('outbound|'))
  const codes = mesh.diagnostics.map(({ code }) => code)
  await mesh.close()
  return { reply: [response.status, outcomeOf(response)!.flags, outcomeOf(response)!.endpoint], clusters, names, codes }
}

const SHORT = 'outbound|80||users.default.svc.cluster.local'

describe('a service that is described', () => {
  test.each<[string, string[], object, string]>([
    ['short, and named short', [service('users'), virtual('users')], {}, SHORT],
    ['short, with a DestinationRule', [service('users'), rule('users')], {}, SHORT],
    ['short, and named in full', [service('users'), virtual('users.default.svc.cluster.local')], {}, SHORT],
    ['in full, and named short', [service('users.default.svc.cluster.local'), virtual('users'), rule('users')], {}, SHORT],
    [
      'short, in a namespace',
      [service('users', 'shop'), virtual('users', 'users', 'shop')],
      { namespace: 'shop' },
      SHORT.replace('default', 'shop'),
    ],
    [
      'in a cluster with a domain of its own',
      [service('users'), virtual('users')],
      { domain: 'corp.test' },
      SHORT.replace('cluster.local', 'corp.test'),
    ],
    ['in lower case, and named in upper case', [service('users'), virtual('USERS', 'users')], {}, SHORT],
  ])('%s: no DNS endpoint is made up', async (_what, documents, workload, cluster) => {
    const { reply, clusters, names, codes } = await asked(documents, workload)
    expect(reply).toEqual([200, '', '10.0.0.1:80'])
    expect([clusters.includes(cluster), names, codes]).toEqual([true, [], []])
  })

  test('a host that differs from it by its case alone is not looked up: calls get 503, as under istiod', async () => {
    const { reply, clusters, names } = await asked([service('users'), virtual('users', 'Users')])
    expect([reply, clusters, names]).toEqual([[503, 'NC', ''], [SHORT], []])
  })
})

describe('a service that is not', () => {
  test('is looked up under its full name', async () => {
    const { reply, names, codes } = await asked([virtual('users')])
    expect([reply, names, codes]).toEqual([[503, 'UH', ''], ['users.default.svc.cluster.local'], ['host-without-endpoints']])
  })

  test('of another namespace than the described one of the same short name', async () => {
    const { names } = await asked([service('users', 'shop'), virtual('users')], {}, 'http://users/')
    expect(names).toEqual(['users.default.svc.cluster.local'])
  })

  test.each([
    ['directResponse: { status: 200 }', []],
    ['redirect: { uri: /b }', []],
    ['route: [{ destination: { host: other.test } }]', ['other.test']],
    ['route: [{ destination: { host: own.test } }]', ['own.test']],
    ['route: [{ destination: { host: own.test } }], mirror: { host: copy.test }', ['own.test', 'copy.test']],
  ])('is warned of when calls are sent there: %s', async (http, hosts) => {
    const rules = `{ apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: { name: r }, spec: { hosts: [own.test], http: [{ ${http} }] } }`
    const mesh = createMesh({ rules, discovery: { resolver: { resolve: async () => [] } } })
    expect(mesh.diagnostics.map(({ message }) => message.split(' ')[0])).toEqual(hosts)
    await mesh.close()
  })
})
