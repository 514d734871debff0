// The circuit breaking task of Istio's documentation: one connection, one pending request. What is too much is refused at once.
import http from 'node:http'
import { createMesh, outcomeOf } from 'meshless'

const server = http.createServer((_, response) => setTimeout(() => response.end('ok'), 50)).listen(0, '127.0.0.1')
await new Promise(resolve => server.once('listening', resolve))

const mesh = createMesh({
  rules: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: httpbin }
spec:
  hosts: [httpbin.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 8000, name: http, protocol: HTTP }]
  endpoints: [{ address: 127.0.0.1, ports: { http: ${server.address().port} } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: httpbin }
spec:
  host: httpbin.test
  trafficPolicy:
    connectionPool:
      tcp: { maxConnections: 1 }
      http: { http1MaxPendingRequests: 1, maxRequestsPerConnection: 1 }
`,
})
const burst = n => Promise.all(Array.from({ length: n }, () => mesh.fetch('http://httpbin.test:8000/get')))

// On a cold pool a request waits for its connection, and only one may wait.
const responses = await burst(3)
console.log(
  responses
    .map(r => r.status)
    .sort()
    .join(' '),
) // => 200 503 503

const refused = responses.find(r => r.status === 503)
console.log(outcomeOf(refused).flags, refused.headers.get('x-envoy-overloaded')) // => UO true
console.log(await refused.text()) // => upstream connect error or disconnect/reset before headers. reset reason: overflow

await mesh.close()
server.close()
