/** Small rule documents for the tests of the mesh, and a transport that answers at once. */
import type { BodyReader, Connection, ConnectionListener, ConnectTarget, Transport, WireRequest } from '../../src/core/transport.ts'

/** A service of a given number of endpoints, in two versions. */
export const service = (host: string, endpoints = 2, first = 1) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${host} }
spec:
  hosts: [${host}.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
${Array.from({ length: endpoints }, (_, i) => `    - { address: 10.0.0.${first + i}, labels: { version: v${(i % 2) + 1} } }`).join('\n')}
`

export const destination = (host: string, policy = '{ loadBalancer: { simple: ROUND_ROBIN } }') => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec:
  host: ${host}.test
  trafficPolicy: ${policy}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`

export const virtual = (host: string, http = `[{ route: [{ destination: { host: ${host}.test } }] }]`) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${host} }
spec: { hosts: [${host}.test], http: ${http} }
`

export const policy = (host: string, blocks: string) => `
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: ${host} }
spec: { targets: [{ host: ${host}.test }], ${blocks} }
`

export const all = (...documents: string[]) => documents.join('---\n')

/** Answers every request with what `answer` says, in the next microtask; `open` counts its connections. */
export function instantTransport(answer: (address: string, request: WireRequest) => number): Transport & { open: number } {
  const transport = {
    open: 0,
    connect(target: ConnectTarget, listener: ConnectionListener): Connection {
      let running = 0
      let ended = false
      const end = () => {
        if (ended) return
        ended = true
        transport.open--
        queueMicrotask(() => listener.closed(connection))
      }
      let draining = false
      const connection: Connection = {
        concurrency: 1,
        send(request, stream) {
          running++
          let over = false
          queueMicrotask(() => {
            if (over) return
            const body = { length: 0, read: (reader: BodyReader) => reader.end(), pause() {}, resume() {}, cancel() {} }
            stream.response({ status: answer(target.address, request), statusText: '', headers: [], body })
            if (over) return
            over = true
            running--
            stream.complete()
            if (draining) end()
            else listener.available(connection)
          })
          return {
            cancel() {
              if (over) return
              over = true
              end()
            },
          }
        },
        drain() {
          draining = true
          if (running === 0) end()
        },
        destroy: end,
      }
      transport.open++
      queueMicrotask(() => listener.connected(connection))
      return connection
    },
  }
  return transport
}
