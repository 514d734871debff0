// A canary on which everybody stays at their version: by a hash of who asks, the same in every process; new weights move only those who must go.
import { createMesh } from 'meshless'
import { fakeTransport } from 'meshless/testing'

const rules = (first, second) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
  - { address: 10.0.0.1, labels: { version: v1 } }
  - { address: 10.0.0.2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews.test
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  http:
  - name: canary
    route:
    - { destination: { host: reviews.test, subset: v1 }, weight: ${first} }
    - { destination: { host: reviews.test, subset: v2 }, weight: ${second} }
---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: canary }
spec:
  targets: [{ route: canary }]
  split: { by: { httpHeaderName: x-user } }
`
const transport = fakeTransport({ '10.0.0.1:80': { body: 'v1' }, '10.0.0.2:80': { body: 'v2' } })
const mesh = createMesh({ rules: rules(90, 10), transport })
const versionOf = async user => (await mesh.fetch('http://reviews.test/', { headers: { 'x-user': user } })).text()

const users = Array.from({ length: 500 }, (_, i) => `customer-${i}`)
const before = await Promise.all(users.map(versionOf))
const again = await Promise.all(users.map(versionOf))
console.log(
  before.filter(v => v === 'v2').length,
  again.every((v, i) => v === before[i]),
) // => 48 true

await mesh.apply(rules(80, 20))
const after = await Promise.all(users.map(versionOf))
console.log(
  after.filter(v => v === 'v2').length,
  before.some((v, i) => v === 'v2' && after[i] === 'v1'),
) // => 100 false
await mesh.close()
