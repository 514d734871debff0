// The smallest mesh: one service on loopback, found through a ServiceEntry and called by its own name.
import http from 'node:http'
import { createMesh, outcomeOf } from 'meshless'

const server = http.createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
await new Promise(resolve => server.once('listening', resolve))

const mesh = createMesh({
  rules: `
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: { name: greeter }
    spec:
      hosts: [greeter.test]
      location: MESH_INTERNAL
      resolution: STATIC
      ports: [{ number: 80, name: http, protocol: HTTP }]
      endpoints: [{ address: 127.0.0.1, ports: { http: ${server.address().port} } }]`,
})
const response = await mesh.fetch('http://greeter.test/')
console.log(response.status, await response.text()) // => 200 hello

const { details, cluster, attempts } = outcomeOf(response)
console.log(details, cluster, attempts) // => via_upstream outbound|80||greeter.test 1

await mesh.close()
server.close()
