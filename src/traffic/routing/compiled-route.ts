/** A route with everything worked out beforehand, so that a request only walks through it. */
import { hasHeader, setHeader } from '../../base/formats/headers.ts'
import { parseDuration } from '../../base/time/duration.ts'
import type { FractionalPercent, HashPolicy, HttpFault, Route } from '../../envoy/index.ts'
import { parseRetryOn, type RetryOn } from '../../policies/retry/kernel.ts'
import { type Condition, conditionsOf } from './match.ts'
import { compileRedirect, type Redirection } from './redirect.ts'
import type { RequestView } from './request-view.ts'
import { applyOps, type HeaderOps, headerOps, type Outgoing, pathRewrite } from './rewrite.ts'

/** A cluster that a request may be sent to, with what is done only for it. */
export interface Destination {
  readonly cluster: string
  readonly request: HeaderOps | undefined
  readonly response: HeaderOps | undefined
  readonly host: string | undefined
}

export interface CompiledRetry {
  readonly retryOn: RetryOn
  readonly numRetries: number
  /** ms, 0 for none. */
  readonly perTryTimeout: number
  readonly baseInterval: number
  readonly maxInterval: number
  readonly previousHosts: boolean
  /** Tries after which a retry leaves out the priorities it has tried; 0: never. */
  readonly previousPriorities: number
}

export interface CompiledMirror {
  readonly cluster: string
  /** Whether a request with this random number (of [0, 1)) is mirrored. */
  selects(random: number): boolean
}

export interface CompiledRoute {
  readonly name: string
  readonly conditions: readonly Condition[]
  readonly fault: HttpFault | undefined
  readonly redirect: ((request: RequestView) => Redirection) | undefined
  readonly directResponse: { status: number; body: string } | undefined
  /** The cluster for a random number of [0, 1). */
  readonly clusterFor: ((random: number) => Destination) | undefined
  /** ms, 0 for none. */
  readonly timeout: number
  readonly retry: CompiledRetry | undefined
  readonly hashPolicies: readonly HashPolicy[] | undefined
  readonly mirrors: readonly CompiledMirror[] | undefined
  applyRequest(out: Outgoing, destination: Destination | undefined): void
  applyResponse(headers: string[], destination: Destination | undefined, request: RequestView): void
  shares(): { cluster: string; percent: number }[]
}

const ms = (text: string | undefined): number => (text === undefined ? 0 : (parseDuration(text) ?? 0))

/** A random number of [0, 1) as a whole number: 52 bits, what the platform's generator really has. */
const whole = (random: number): number => Math.floor(random * 4_503_599_627_370_496)

/** Whether a share applies to a random number: `random % denominator < numerator`. */
export function selected(fraction: FractionalPercent | undefined, random: number): boolean {
  const denominator = fraction?.denominator === 'MILLION' ? 1_000_000 : fraction?.denominator === 'TEN_THOUSAND' ? 10_000 : 100
  return whole(random) % denominator < (fraction?.numerator ?? 0)
}

export function compileRoute(route: Route): CompiledRoute {
  const action = route.route
  const requestOps = headerOps(route.requestHeadersToAdd, route.requestHeadersToRemove)
  const responseOps = headerOps(route.responseHeadersToAdd, route.responseHeadersToRemove)
  const rewrite = pathRewrite(route)
  const direct = route.directResponse
  const policy = action?.retryPolicy
  const base = policy?.retryBackOff === undefined ? 25 : Math.max(1, ms(policy.retryBackOff.baseInterval))
  const split = splitOf(route)
  const fault = route.typedPerFilterConfig?.['envoy.filters.http.fault']
  return {
    name: route.name ?? '',
    conditions: conditionsOf(route.match),
    fault,
    redirect: route.redirect === undefined ? undefined : compileRedirect(route.redirect, route.match),
    directResponse:
      direct === undefined
        ? undefined
        : {
            status: direct.status,
            body: direct.body?.inlineString ?? (direct.body?.inlineBytes === undefined ? '' : atob(direct.body.inlineBytes)),
          },
    clusterFor: split?.pick,
    timeout: ms(action?.timeout),
    retry:
      policy === undefined
        ? undefined
        : {
            retryOn: parseRetryOn(policy.retryOn ?? '', policy.retriableStatusCodes ?? []),
            numRetries: policy.numRetries ?? 1,
            perTryTimeout: ms(policy.perTryTimeout),
            baseInterval: base,
            maxInterval: policy.retryBackOff?.maxInterval === undefined ? base * 10 : ms(policy.retryBackOff.maxInterval),
            previousHosts: (policy.retryHostPredicate ?? []).some(p => p.name.includes('previous_hosts')),
            previousPriorities: policy.retryPriority === undefined ? 0 : (policy.retryPriority.typedConfig?.updateFrequency ?? 2),
          },
    hashPolicies: action?.hashPolicy?.length ? action.hashPolicy : undefined,
    mirrors: action?.requestMirrorPolicies?.map(m => ({
      cluster: m.cluster,
      selects: random => (m.runtimeFraction === undefined ? true : selected(m.runtimeFraction.defaultValue, random)),
    })),
    applyRequest(out, destination) {
      applyOps(out.headers, destination?.request, out)
      applyOps(out.headers, requestOps, out)
      const host = action?.hostRewriteLiteral ?? destination?.host
      if (host !== undefined && host !== '') {
        if (!hasHeader(out.headers, 'x-envoy-original-host')) setHeader(out.headers, 'x-envoy-original-host', out.authority)
        out.authority = host
      }
      if (rewrite !== undefined) {
        setHeader(out.headers, 'x-envoy-original-path', out.path)
        out.path = rewrite(out.path)
      }
    },
    applyResponse(headers, destination, request) {
      applyOps(headers, destination?.response, request)
      applyOps(headers, responseOps, request)
    },
    shares: () => split?.shares ?? [],
  }
}

/** Where requests go: one cluster, or intervals of the total weight in the order of the document. */
function splitOf(route: Route): { pick: (random: number) => Destination; shares: { cluster: string; percent: number }[] } | undefined {
  const action = route.route
  if (action === undefined) return undefined
  const weighted = action.weightedClusters?.clusters
  if (weighted === undefined) {
    const only: Destination = { cluster: action.cluster ?? '', request: undefined, response: undefined, host: undefined }
    return { pick: () => only, shares: [{ cluster: only.cluster, percent: 100 }] }
  }
  const entries = weighted.map(w => ({
    weight: w.weight ?? 0,
    destination: {
      cluster: w.name,
      request: headerOps(w.requestHeadersToAdd, w.requestHeadersToRemove),
      response: headerOps(w.responseHeadersToAdd, w.responseHeadersToRemove),
      host: w.hostRewriteLiteral,
    },
  }))
  const total = entries.reduce((sum, e) => sum + e.weight, 0)
  const pick = (random: number) => {
    let rest = whole(random) % total
    for (const entry of entries) {
      if (rest < entry.weight) return entry.destination
      rest -= entry.weight
    }
    return entries[0]!.destination
  }
  return { pick, shares: entries.map(e => ({ cluster: e.destination.cluster, percent: (100 * e.weight) / total })) }
}
