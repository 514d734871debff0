/** What is answered in place of a failure: an answer of the rule's own, or what another cluster says, which is asked once with the request as it came in. */
import type { Trust } from '../../core/trust.ts'
import type { Asked } from './asked.ts'
import { BytesBody } from './bytes-body.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { MeshReply } from './exchange.ts'
import { isGrpc } from './grpc.ts'
import type { Fallback } from './guard.ts'
import { type LocalReply, statusText, TEXT } from './local-reply.ts'
import { repeatable } from './recorded-body.ts'

/** The request that needs another answer. */
export interface Failing extends Asked {
  answerRules(headers: string[]): void
  local(reply: LocalReply): void
  /** The same request to another cluster, behind all rules of the route. `trust`: what bounds the endpoints of the cluster. */
  elsewhere(cluster: ClusterRuntime, trust: Trust | undefined, resolve: (reply: MeshReply) => void, reject: (error: unknown) => void): void
}

const DETAILS = 'meshless_fallback'

/** The answer of the rule itself. */
export function giveFallback(failing: Failing, { status, body, bytes }: Extract<Fallback, { cluster?: undefined }>): void {
  if (bytes === undefined || isGrpc(failing.headers))
    return failing.local({ status, headers: body === '' ? [] : TEXT, body, flag: '', details: DETAILS })
  const { outcome } = failing
  const headers: string[] = []
  failing.status = status
  outcome.details = DETAILS
  failing.headersAreHere()
  failing.answerRules(headers)
  failing.end()
  failing.give({ status, statusText: statusText(status), headers, body: new BytesBody([bytes]), text: undefined, outcome })
}

/** Another cluster that is asked instead: under its own policies, and with the time of the route for itself. */
export class Instead {
  /** The answer that is held meanwhile has come to its end. */
  received = false
  #asking = false
  readonly #failing: Failing
  readonly #otherwise: () => void
  readonly #drop: () => void

  /** `otherwise`: says what is said without it. `drop`: lets go of the answer that is held. */
  constructor(failing: Failing, otherwise: () => void, drop: () => void) {
    this.#failing = failing
    this.#otherwise = otherwise
    this.#drop = drop
  }

  get asking(): boolean {
    return this.#asking
  }

  drop(): void {
    this.#drop()
  }

  /** `trust`: of the rule that names the cluster. */
  ask(name: string, trust: Trust | undefined): void {
    const failing = this.#failing
    const cluster = failing.engine.clusters.get(name)
    if (cluster === undefined || !repeatable(failing.body, failing.engine.retryBufferLimit)) return this.#otherwise()
    this.#asking = true
    const failed = () => {
      this.#asking = false
      if (!failing.over) this.#otherwise()
    }
    failing.elsewhere(cluster, trust, reply => this.#answered(reply), failed)
  }

  #answered(reply: MeshReply): void {
    const failing = this.#failing
    if (failing.over) return reply.body?.cancel()
    this.#asking = false
    if (reply.status >= 500 || reply.outcome.details !== 'via_upstream') {
      reply.body?.cancel()
      return this.#otherwise()
    }
    this.#drop()
    const { outcome } = failing
    failing.status = reply.status
    failing.answerRules(reply.headers)
    failing.end(false) // the body is the other's now
    const { cluster, endpoint, attempts, durations } = reply.outcome
    Object.assign(outcome, { details: DETAILS, cluster, endpoint, attempts: outcome.attempts + attempts, durations })
    failing.give({ ...reply, outcome })
  }
}
