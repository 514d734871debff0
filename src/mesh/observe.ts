/**
 * `mode: 'observe'`: what the rules would have made of a request that goes its own way. Everything is decided as if it counted, with the
 * counters that go with it; the endpoint that would have been asked is named, and nobody is blamed for what another one answered.
 */
import { attachOutcome, type Outcome } from '../core/outcome.ts'
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import type { Engine } from '../traffic/engine/engine.ts'
import { abortOf, delayOf } from '../traffic/engine/fault.ts'
import type { Observed } from '../traffic/engine/guard.ts'
import { type LocalReply, policyReply, REPLIES } from '../traffic/engine/local-reply.ts'
import { hashOf } from '../traffic/upstream/hash.ts'
import { type LookedAt, viewOf } from './request-view.ts'

/** What would have happened, and who wants to hear how the request itself ended. */
interface Decision {
  readonly outcome: Outcome
  readonly cluster: ClusterRuntime | undefined
  readonly policies: Observed | undefined
}

/** fetch that goes ungoverned and says what the rules would have done: see `outcomeOf`. */
export function observingFetch(engine: () => Engine, ungoverned: typeof fetch): typeof fetch {
  return async (input: any, init?: any) => {
    const { clock } = engine()
    const start = clock.now()
    const decision = decided(engine(), input, init)
    let response: Response | undefined
    let failure: unknown
    try {
      response = await ungoverned(input, init)
      return decision === undefined ? response : attachOutcome(response, decision.outcome)
    } catch (error) {
      failure = error
      throw error
    } finally {
      if (decision !== undefined) settle(decision, response, failure, clock.now() - start)
    }
  }
}

function decided(engine: Engine, input: any, init: any): Decision | undefined {
  let view: LookedAt
  try {
    const isRequest = typeof input === 'object' && input !== null && 'url' in input
    const headers = new Headers(init?.headers ?? (isRequest ? input.headers : undefined))
    view = viewOf(init?.method ?? (isRequest ? input.method : 'GET'), isRequest ? input.url : String(input), headers)
  } catch {
    return undefined // fetch itself will say what is wrong with it
  }
  return decide(engine, view)
}

export function decide(engine: Engine, view: LookedAt): Decision {
  const outcome: Outcome = {
    flags: '',
    details: 'via_upstream',
    route: '',
    cluster: '',
    endpoint: '',
    attempts: 0,
    durations: { headers: 0, total: undefined },
    error: undefined,
  }
  const answered = (reply: LocalReply, cluster?: ClusterRuntime): Decision => {
    outcome.details = reply.details
    flag(outcome, reply.flag)
    return { outcome, cluster, policies: undefined }
  }
  const { table, stats, random } = engine
  if (!table.has(view.port)) {
    if (!engine.allowAny) return answered(REPLIES.blocked)
    outcome.cluster = 'PassthroughCluster'
    outcome.attempts = 1
    return { outcome, cluster: undefined, policies: undefined }
  }
  const route = table.match(view)
  if (route === undefined) {
    stats.no_route++
    return answered(REPLIES.route_not_found)
  }
  outcome.route = route.name
  const share = random()
  if (route.fault !== undefined && engine.faults) {
    if (delayOf(route.fault, random()) > 0) {
      stats['fault.delays_injected']++
      flag(outcome, 'DI')
    }
    const abort = abortOf(route.fault, random())
    if (abort !== undefined) {
      stats['fault.aborts_injected']++
      return answered(abort)
    }
  }
  if (route.redirect !== undefined || route.directResponse !== undefined) stats.rq_direct_response++
  if (route.clusterFor === undefined) return answered(REPLIES.blocked) // the same details: answered without an upstream
  const hash = route.hashPolicies === undefined ? undefined : hashOf(route.hashPolicies, view, engine.clientAddress)?.hash
  const side = route.splitsBy === undefined ? hash : hashOf(route.splitsBy, view, engine.clientAddress, view.headers, String(share)).hash
  outcome.cluster = route.clusterFor(share, view, side).cluster
  const name = outcome.cluster
  const cluster = engine.clusters.get(name)
  if (outcome.cluster === 'PassthroughCluster') {
    outcome.attempts = 1
    return { outcome, cluster: undefined, policies: undefined }
  }
  if (cluster === undefined) {
    stats.no_cluster++
    outcome.cluster = ''
    const instead = route.missing?.[name] === undefined ? {} : { details: 'meshless_fallback' }
    return answered({ ...REPLIES.cluster_not_found, ...instead })
  }
  const guard = cluster.guardOf(route.policies)
  const policies = guard?.observe()
  if (policies?.refusal !== undefined) {
    const reply = policyReply(policies.refusal)
    outcome.error = policies.refusal
    return {
      ...answered(guard!.fallback === undefined || reply.status < 500 ? reply : { ...reply, details: 'meshless_fallback' }, cluster),
      policies,
    }
  }
  const host = cluster.choose(engine.clock.now(), hash, undefined, undefined)
  if (host === undefined) {
    cluster.stats.upstream_cx_none_healthy++
    return { ...answered(REPLIES.no_healthy_upstream, cluster), policies }
  }
  outcome.endpoint = host.address
  outcome.attempts = 1
  cluster.stats.upstream_rq_total++
  return { outcome, cluster, policies }
}

function settle({ outcome, cluster, policies }: Decision, response: Response | undefined, error: unknown, durationMs: number): void {
  outcome.durations.headers = durationMs
  policies?.ended(response === undefined ? undefined : { status: response.status }, error)
  if (response !== undefined && outcome.attempts > 0) cluster?.stats.answered(response.status)
}

function flag(outcome: Outcome, name: string): void {
  if (name !== '') outcome.flags = outcome.flags === '' ? name : `${outcome.flags},${name}`
}
