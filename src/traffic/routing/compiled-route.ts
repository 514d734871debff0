/** A route with everything worked out beforehand, so that a request only walks through it. */
import { setHeader } from '../../base/formats/headers.ts'
import { parseDuration } from '../../base/time/duration.ts'
import { TRUST, type Trust } from '../../core/trust.ts'
import type { CorsPolicy, HashPolicy, HttpFault, RetryPolicy, Route, RouteAction } from '../../envoy/index.ts'
import { parseRetryOn, type RetryOn } from '../../policies/retry/kernel.ts'
import { type Cors, compileCors } from './cors.ts'
import type { Formatted } from './formatter.ts'
import { selected } from './fraction.ts'
import { type Condition, conditionsOf } from './match.ts'
import { PathRule } from './path-rule.ts'
import { compileRedirect, type Redirection } from './redirect.ts'
import type { RequestView } from './request-view.ts'
import { applyOps, headerOps, type Outgoing, pathRewrite } from './rewrite.ts'
import { authorityBytes, headerBytes, requestHeaderName, responseHeaderName } from './rule-text.ts'
import { type Destination, splitOf } from './split.ts'

export type { Destination }

export interface CompiledRetry {
  readonly retryOn: RetryOn
  /** Response headers of which one suffices, for `retriable-headers`. */
  readonly retriableHeaders?: readonly string[] | undefined
  readonly numRetries: number
  /** ms, 0 for none. */
  readonly perTryTimeout: number
  readonly baseInterval: number
  readonly maxInterval: number
  readonly previousHosts: boolean
  /** Tries after which a retry leaves out the priorities it has tried; 0: never. */
  readonly previousPriorities: number
}

/** How long a request and its tries may take, and how often it is tried. */
export interface Plan {
  /** Of the whole exchange, ms; 0 for none. */
  readonly timeout: number
  /** ms, 0 for none; none as well when it is not shorter than `timeout`. */
  readonly perTryTimeout: number
  readonly retry: CompiledRetry | undefined
  /** Whether a try that reaches the per-try timeout goes on beside the next one. */
  readonly hedge: boolean
  /** Status of the answer when the time is up. */
  readonly timeoutStatus: number
  /** The bound of `grpc-timeout`, ms; 0 takes the header as it is, `undefined` ignores it. */
  readonly maxGrpcTimeout: number | undefined
  /** Whether the upstream is told by `grpc-timeout` as well. */
  readonly tellsGrpc: boolean
}

export interface CompiledMirror {
  readonly cluster: string
  /** Whether a request with this random number (of [0, 1)) is mirrored. */
  selects(random: number): boolean
}

/**
 * The extension by which a route names the policies that it has for itself: `{ key, missing }`, where `missing` has what is answered in place
 * of a cluster that does not exist, and so has no policies. Envoy has no such filter.
 */
export const RESILIENCE = 'meshless.dev/resilience'

export interface CompiledRoute {
  readonly name: string
  /** Under which name clusters keep policies that are this route's alone; `undefined`: those of the cluster hold. */
  readonly policies: string | undefined
  /** By the name of a cluster that does not exist: the fallback of its policies, as written. */
  readonly missing: Readonly<Record<string, object>> | undefined
  /** What bounds redirects that come back by it, and for some clusters the endpoints they may have. */
  readonly trust: { readonly addresses: Trust; readonly clusters: ReadonlySet<string> } | undefined
  readonly path: PathRule
  readonly conditions: readonly Condition[]
  readonly fault: HttpFault | undefined
  readonly redirect: ((request: RequestView) => Redirection) | undefined
  readonly directResponse: { status: number; body: string } | undefined
  readonly cors: Cors | undefined
  /** The cluster for a random number of [0, 1), or for the request's hash or header where the split says so. */
  readonly clusterFor: ((random: number, request: RequestView, hash: bigint | undefined) => Destination) | undefined
  /** What of the request the hash is made of that `clusterFor` looks at; `undefined`: it looks at none. */
  readonly splitsBy: readonly HashPolicy[] | undefined
  readonly plan: Plan
  readonly hashPolicies: readonly HashPolicy[] | undefined
  readonly mirrors: readonly CompiledMirror[] | undefined
  applyRequest(out: Outgoing, destination: Destination | undefined): void
  applyResponse(headers: string[], destination: Destination | undefined, of: Formatted): void
  shares(): { cluster: string; percent: number }[]
}

const ms = (text: string | undefined): number => (text === undefined ? 0 : (parseDuration(text) ?? 0))

export function compileRoute(route: Route): CompiledRoute {
  const action = route.route
  const requestOps = headerOps(requestHeaderName, route.requestHeadersToAdd, route.requestHeadersToRemove)
  const responseOps = headerOps(responseHeaderName, route.responseHeadersToAdd, route.responseHeadersToRemove)
  const rewrite = pathRewrite(route)
  const host = authorityBytes(action?.hostRewriteLiteral ?? '')
  checkCookies(action?.hashPolicy)
  const direct = route.directResponse
  const split = splitOf(route)
  checkCookies(split?.by)
  const own = route.typedPerFilterConfig?.[RESILIENCE] as { key?: string; missing?: Record<string, object> } | undefined
  const fault = route.typedPerFilterConfig?.['envoy.filters.http.fault']
  const trust = route.typedPerFilterConfig?.[TRUST] as { addresses: Trust; clusters: string[] } | undefined
  return {
    name: route.name ?? '',
    policies: own?.key,
    missing: own?.missing,
    trust: trust && { addresses: trust.addresses, clusters: new Set(trust.clusters) },
    path: new PathRule(route.match),
    conditions: conditionsOf(route.match),
    fault,
    cors: compileCors(route.typedPerFilterConfig?.['envoy.filters.http.cors'] as CorsPolicy | undefined),
    redirect: route.redirect === undefined ? undefined : compileRedirect(route.redirect, route.match),
    directResponse:
      direct === undefined
        ? undefined
        : {
            status: direct.status,
            body: direct.body?.inlineString ?? (direct.body?.inlineBytes === undefined ? '' : atob(direct.body.inlineBytes)),
          },
    clusterFor: split?.pick,
    splitsBy: split?.by,
    plan: planOfRoute(action),
    hashPolicies: action?.hashPolicy?.length ? action.hashPolicy : undefined,
    mirrors: action?.requestMirrorPolicies?.map(m => ({
      cluster: m.cluster,
      selects: random => (m.runtimeFraction === undefined ? true : selected(m.runtimeFraction.defaultValue, random)),
    })),
    applyRequest(out, destination) {
      applyOps(out.headers, destination?.request, out)
      // Only the route's own rewrite says what the host was before.
      if (destination?.host) out.authority = destination.host
      applyOps(out.headers, requestOps, out)
      if (host) {
        setHeader(out.headers, 'x-envoy-original-host', out.authority)
        out.authority = host
      }
      const path = rewrite?.(out.path)
      if (path !== undefined) {
        setHeader(out.headers, 'x-envoy-original-path', out.path)
        out.path = path
      }
    },
    applyResponse(headers, destination, of) {
      applyOps(headers, destination?.response, of)
      applyOps(headers, responseOps, of)
    },
    shares: () => split?.shares ?? [],
  }
}

/** Cookies that hash policies make are put on responses. */
function checkCookies(policies: readonly HashPolicy[] = []): void {
  for (const { cookie } of policies) {
    if (cookie === undefined) continue
    const { name, path = '', attributes = [] } = cookie
    for (const text of [name, path, ...attributes.flatMap(a => [a.name, a.value ?? ''])]) headerBytes(text, 'cookie')
  }
}

function planOfRoute(action: RouteAction | undefined): Plan {
  const timeout = ms(action?.timeout)
  const retry = retryOf(action?.retryPolicy)
  const perTryTimeout = retry?.perTryTimeout ?? 0
  return {
    timeout,
    perTryTimeout: timeout > 0 && perTryTimeout >= timeout ? 0 : perTryTimeout,
    retry,
    hedge: action?.hedgePolicy?.hedgeOnPerTryTimeout === true,
    timeoutStatus: 504,
    maxGrpcTimeout: action?.maxGrpcTimeout === undefined ? undefined : ms(action.maxGrpcTimeout),
    tellsGrpc: false,
  }
}

function retryOf(policy: RetryPolicy | undefined): CompiledRetry | undefined {
  if (policy === undefined) return undefined
  const { retryBackOff, retryPriority } = policy
  const base = retryBackOff === undefined ? 25 : Math.max(1, ms(retryBackOff.baseInterval))
  return {
    retryOn: parseRetryOn(policy.retryOn ?? '', policy.retriableStatusCodes ?? []),
    numRetries: policy.numRetries ?? 1,
    perTryTimeout: ms(policy.perTryTimeout),
    baseInterval: base,
    maxInterval: retryBackOff?.maxInterval === undefined ? base * 10 : ms(retryBackOff.maxInterval),
    previousHosts: (policy.retryHostPredicate ?? []).some(p => p.name.includes('previous_hosts')),
    previousPriorities: retryPriority === undefined ? 0 : (retryPriority.typedConfig?.updateFrequency ?? 2),
  }
}
