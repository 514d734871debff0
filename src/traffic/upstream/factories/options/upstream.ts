/** What an upstream for code is made from, and what it shows of its endpoints. */
import type { Call } from '../../../../core/call.ts'
import { clock, name, random } from '../../../../core/schema/around.ts'
import { provided } from '../../../../core/schema/index.ts'
import type { Transport } from '../../../../core/transport.ts'
import type { Endpoint } from '../endpoint.ts'
import type { OutcomeOf } from '../outcome.ts'
import type { ConnectionPoolOptions } from './connection-pool.ts'
import type { HealthCheckOptions } from './health-check.ts'
import type { LoadBalancerOptions } from './load-balancer.ts'
import type { OutlierDetectionOptions } from './outlier-detector.ts'

export const upstreamAroundFields = {
  name,
  clock,
  random,
  transport: provided<Transport>('For health checks. Default: that of this runtime.', ['connect'], 'nodeTransport() or fetchTransport()'),
} as const

export interface UpstreamOptions {
  endpoints: readonly Endpoint[]
  /** Istio's LoadBalancerSettings. Default: LEAST_REQUEST. */
  loadBalancer?: LoadBalancerOptions | undefined
  /** Istio's OutlierDetection. Default: nobody is taken out. */
  outlierDetection?: OutlierDetectionOptions | undefined
  /** Istio's ConnectionPoolSettings; for code they count calls. Default: no limits. */
  connectionPool?: ConnectionPoolOptions | undefined
  /** Envoy's active health checks (the first counts). Needs a transport. Default: none. */
  healthChecks?: readonly HealthCheckOptions[] | undefined
  /** The key of a call, for `loadBalancer.consistentHash`. */
  by?: ((call: Call) => string | bigint | undefined) | undefined
  /** What a result or an error says of the endpoint; `undefined`: nothing. Default: a numeric `status` counts as such, other results as 200; errors by their code. */
  outcome?: OutcomeOf | undefined
}

export interface UpstreamEndpoint {
  readonly address: string
  readonly health: 'healthy' | 'ejected' | 'unhealthy' | 'degraded'
  readonly active: number
  readonly ejectedUntil?: number
}
