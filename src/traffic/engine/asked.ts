/**
 * One caller's request while it is under way: what was asked and what rules made of it, who waits for the answer and may leave, and its
 * outcome. Which way it takes is the executor's.
 */
import { getHeader } from '../../base/formats/headers.ts'
import type { Outcome } from '../../core/outcome.ts'
import { whenAborted } from '../../core/signal.ts'
import type { WireBody } from '../../core/transport.ts'
import type { Outgoing } from '../routing/rewrite.ts'
import type { Engine } from './engine.ts'
import type { MeshReply, MeshRequest } from './exchange.ts'
import { outgoing, portOf } from './outgoing.ts'

export abstract class Asked implements Outgoing {
  readonly engine: Engine
  /** As it came in. */
  readonly request: MeshRequest
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly port: number
  outcome: Outcome
  authority: string
  path: string
  /** Its own list, without what speaks to the mesh itself, unless that is obeyed: as in Envoy rules do not see it. */
  headers: string[]
  body: WireBody | undefined
  /** Of the answer, for header formatters. */
  status = 0
  responseHeaders: readonly string[] | undefined
  over = false
  protected startedAt: number
  /** The request's own random number: it chooses destination and mirrors. */
  share: number
  #signal: AbortSignal | undefined
  #unlisten: (() => void) | undefined
  readonly #resolve: (reply: MeshReply) => void
  readonly #reject: (error: unknown) => void

  constructor(engine: Engine, request: MeshRequest, resolve: (reply: MeshReply) => void, reject: (error: unknown) => void) {
    this.engine = engine
    this.request = request
    this.#signal = request.signal
    this.#resolve = resolve
    this.#reject = reject
    this.startedAt = engine.clock.now()
    this.share = engine.random()
    this.method = request.method
    this.scheme = request.scheme
    this.authority = request.authority
    this.port = portOf(request)
    this.path = request.path
    this.headers = engine.requestOverrides ? request.headers : outgoing(request.headers)
    this.body = request.body
    this.outcome = {
      flags: '',
      details: '',
      route: '',
      cluster: '',
      endpoint: '',
      attempts: 0,
      durations: { headers: 0, total: undefined },
      error: undefined,
    }
  }

  header(name: string): string | undefined {
    return getHeader(this.headers, name)
  }

  startTime(): number {
    const { clock } = this.engine
    return clock.wall() - (clock.now() - this.startedAt)
  }

  flag(flag: string): void {
    if (flag === '') return
    const { flags } = this.outcome
    if (flags === '') this.outcome.flags = flag
    else if (!flags.split(',').includes(flag)) this.outcome.flags = `${flags},${flag}`
  }

  /** False: the caller has gone before it began. */
  listen(): boolean {
    this.engine.load.open++
    const signal = this.#signal
    if (signal === undefined) return true
    if (signal.aborted) {
      this.fail(signal.reason)
      return false
    }
    this.#unlisten = whenAborted(signal, () => this.abort(signal.reason))
    return true
  }

  /** From now on this is the signal of who asks. */
  follow(signal: AbortSignal | undefined): void {
    if (this.over || signal === undefined) return
    this.#signal = signal
    if (signal.aborted) this.abort(signal.reason)
    else this.#unlisten = whenAborted(signal, () => this.abort(signal.reason))
  }

  /** The caller gets this answer. It stays under way until `end`. */
  give(reply: MeshReply): void {
    this.#resolve(reply)
  }

  /** The answer's headers are there now. */
  headersAreHere(): void {
    this.outcome.durations.headers = this.engine.clock.now() - this.startedAt
  }

  /** It is over without an answer. */
  fail(error: unknown): void {
    this.end()
    this.#reject(error)
  }

  /** Nothing of this request may stay behind. `closing`: nobody reads its body any more. */
  end(closing = true): void {
    if (this.over) return
    this.over = true
    this.engine.load.open--
    this.letGo()
    this.#unlisten?.()
    if (closing) this.#closeBody()
    this.outcome.durations.total = this.engine.clock.now() - this.startedAt
  }

  #closeBody(): void {
    try {
      this.body?.close?.()
    } catch {
      // The source of the body is the caller's own code: it was to let go, and the request is over in any case.
    }
  }

  /** The caller has gone. */
  abstract abort(reason: unknown): void

  /** Gives back what is held on the way. */
  protected abstract letGo(): void
}
