/** The rules most tests of traffic want: one service `s.test`, its endpoints, its policy and its route. */

export type OneService = {
  /** `ip` or `ip:port`. */
  readonly endpoints: readonly string[]
  /** One HTTP route in YAML's flow style, without its braces; without a destination of its own it goes to the service. */
  readonly http?: string
  /** A traffic policy in YAML's flow style. */
  readonly policy?: string
}

export function oneService({ endpoints, http = '', policy = '{ loadBalancer: { simple: ROUND_ROBIN } }' }: OneService): string {
  const answers = /(route|redirect|directResponse):/.test(http)
  const route = [answers ? '' : 'route: [{ destination: { host: s.test } }]', http].filter(Boolean).join(', ')
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [${endpoints.map(endpoint).join(', ')}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, trafficPolicy: ${policy} }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec: { hosts: [s.test], http: [{ ${route} }] }
`
}

function endpoint(at: string): string {
  const [address, port] = at.split(':')
  return port === undefined ? `{ address: ${address} }` : `{ address: ${address}, ports: { http: ${port} } }`
}
