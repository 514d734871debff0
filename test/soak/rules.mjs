// The rules of the soak, a little different at every apply.
export function rulesAt(i, ports) {
  const endpoints = ports.map(port => `{ address: 127.0.0.1, ports: { http: ${port} }, labels: { version: v${1 + (port % 2)} } }`)
  const share = (i * 37) % 101
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec:
  hosts: [s.test]
  location: MESH_INTERNAL
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [${endpoints.join(', ')}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: named }
spec:
  hosts: [named.test]
  location: MESH_INTERNAL
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${ports[0]} }]
  resolution: DNS
  endpoints: [{ address: slow.test }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec:
  host: s.test
  trafficPolicy:
    loadBalancer: { simple: ${['ROUND_ROBIN', 'LEAST_REQUEST', 'RANDOM'][i % 3]} }
    connectionPool: { tcp: { maxConnections: ${40 + (i % 5)} }, http: { http1MaxPendingRequests: 100 } }
    outlierDetection: { consecutive5xxErrors: 5, interval: 100ms, baseEjectionTime: 200ms, maxEjectionPercent: 60 }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s }
spec:
  hosts: [s.test]
  http:
    - match: [{ uri: { exact: /weighted } }]
      route:
        - { destination: { host: s.test }, weight: ${share} }
        - { destination: { host: named.test }, weight: ${100 - share} }
      rewrite: { uri: / }
      timeout: 2s
    - route: [{ destination: { host: s.test } }]
      timeout: 2s
      retries: { attempts: 2, retryOn: "5xx,reset,connect-failure", backoff: 5ms }
---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: s }
spec:
  targets: [{ host: s.test }]
  circuitBreaker: { slidingWindowSize: 50, failureRateThreshold: 90, waitDurationInOpenState: 200ms }
  bulkhead: { maxConcurrentCalls: 60, maxWaitDuration: 100ms }
  timeLimiter: { timeoutDuration: 1s }
`
}
