// A canary: 90 % of the requests to v1 and 10 % to v2, then half and half, by applying new rules while requests run.
import http from 'node:http'
import { createMesh } from 'meshless'
import { seededRandom } from 'meshless/testing'

const serve = async version => {
  const server = http.createServer((_, response) => response.end(version)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return server
}
const servers = [await serve('v1'), await serve('v2')]
const [v1, v2] = servers.map(server => server.address().port)

const rules = (first, second) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
  - { address: 127.0.0.1, ports: { http: ${v1} }, labels: { version: v1 } }
  - { address: 127.0.0.1, ports: { http: ${v2} }, labels: { version: v2 } }
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
  - route:
    - { destination: { host: reviews.test, subset: v1 }, weight: ${first} }
    - { destination: { host: reviews.test, subset: v2 }, weight: ${second} }
`
const mesh = createMesh({ rules: rules(90, 10), random: seededRandom(7) }) // a seed, so that this page always prints the same
const shares = async () => {
  const counts = { v1: 0, v2: 0 }
  for (let i = 0; i < 200; i++) counts[await (await mesh.fetch('http://reviews.test/')).text()]++
  return counts
}
const before = await shares()
console.log(before.v2 > 5 && before.v2 < 40) // => true

const { accepted } = await mesh.apply(rules(50, 50))
const after = await shares()
console.log(accepted, after.v2 > 70 && after.v2 < 130) // => true true

await mesh.close()
for (const server of servers) server.close()
