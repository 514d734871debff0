/**
 * How long a request and its tries may take and how often it is tried: what its route says, unless the request itself may say so. Pure; the
 * common case is the route's own plan, made once. Rules: Envoy's FilterUtility::finalTimeout and RetryStateImpl::create.
 */
import { getHeader } from '../../base/formats/headers.ts'
import type { WireBody } from '../../core/transport.ts'
import { parseRetryOn } from '../../policies/retry/kernel.ts'
import type { CompiledRetry, CompiledRoute, Plan } from '../routing/compiled-route.ts'
import { isGrpc, parseGrpcTimeout } from './grpc.ts'

/** No retry and no limit. */
export const ONE_TRY: Plan = {
  timeout: 0,
  perTryTimeout: 0,
  retry: undefined,
  hedge: false,
  timeoutStatus: 504,
  maxGrpcTimeout: undefined,
  tellsGrpc: false,
}

/**
 * `obeyed`: whether the request's own x-envoy-* headers are; Istio's listeners obey none. `left`: ms of a deadline that came in from
 * outside, `Infinity` for none.
 */
export function planOf(route: CompiledRoute, headers: readonly string[], obeyed: boolean, left: number): Plan {
  const { plan } = route
  const grpc = plan.maxGrpcTimeout !== undefined && isGrpc(headers)
  if (!obeyed && !grpc && left === Infinity) return plan
  const header = (name: string) => getHeader(headers, name)
  let timeout = plan.timeout
  if (grpc) {
    const asked = parseGrpcTimeout(header('grpc-timeout')) ?? 0
    const most = plan.maxGrpcTimeout!
    timeout = most !== 0 && (asked === 0 || asked > most) ? most : asked
  }
  let { perTryTimeout, retry, hedge } = plan
  let timeoutStatus = 504
  if (obeyed) {
    perTryTimeout = retry?.perTryTimeout ?? 0
    timeout = whole(header('x-envoy-upstream-rq-timeout-ms')) ?? timeout
    timeout = sooner(timeout, whole(header('x-envoy-expected-rq-timeout-ms')) ?? 0)
    perTryTimeout = whole(header('x-envoy-upstream-rq-per-try-timeout-ms')) ?? perTryTimeout
    retry = retryAsked(retry, header)
    const hedged = header('x-envoy-hedge-on-per-try-timeout')
    if (hedged === 'true' || hedged === 'false') hedge = hedged === 'true'
    if (header('x-envoy-upstream-rq-timeout-alt-response') !== undefined) timeoutStatus = 204
  }
  if (left !== Infinity) timeout = sooner(timeout, Math.max(1, left))
  if (timeout !== 0 && perTryTimeout >= timeout) perTryTimeout = 0
  return { timeout, perTryTimeout, retry, hedge, timeoutStatus, maxGrpcTimeout: plan.maxGrpcTimeout, tellsGrpc: grpc }
}

/** Whether tries that reach the per-try timeout go on: a stream cannot be sent by two at once. */
export function goesOn(plan: Plan | undefined, body: WireBody | undefined): boolean {
  return plan?.hedge === true && (body === undefined || body.bytes !== undefined)
}

/** ms that the first try's upstream has, `Infinity` for no limit. */
export function timeOfFirst(plan: Plan, body: WireBody | undefined): number {
  const { timeout, perTryTimeout } = plan
  const own = goesOn(plan, body) ? 0 : perTryTimeout
  return sooner(timeout, own) || Infinity
}

/** The shorter of two limits, of which 0 is none. */
const sooner = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b))

const whole = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined)

/** The route's retries with what the request adds; the words are joined, the number replaced. */
function retryAsked(retry: CompiledRetry | undefined, header: (name: string) => string | undefined): CompiledRetry | undefined {
  const words = [header('x-envoy-retry-on'), header('x-envoy-retry-grpc-on')].filter(w => w !== undefined).join(',')
  if (retry === undefined && words === '') return undefined
  const codes = (header('x-envoy-retriable-status-codes') ?? '').split(',').map(Number).filter(Number.isInteger)
  const names = (header('x-envoy-retriable-header-names') ?? '')
    .split(',')
    .map(n => n.trim().toLowerCase())
    .filter(Boolean)
  const asked = parseRetryOn(
    words,
    codes.filter(c => c > 0),
  )
  const base = retry ?? { numRetries: 1, perTryTimeout: 0, baseInterval: 25, maxInterval: 250, previousHosts: false, previousPriorities: 0 }
  return {
    ...base,
    retryOn: {
      tokens: new Set([...(retry?.retryOn.tokens ?? []), ...asked.tokens]),
      codes: new Set([...(retry?.retryOn.codes ?? []), ...asked.codes]),
    },
    retriableHeaders: names,
    numRetries: whole(header('x-envoy-max-retries')) ?? base.numRetries,
  }
}
