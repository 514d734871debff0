/** A request with its route: where it leads, and what its rules make of every answer, the upstream's and ours. */
import { common, narrower, type Trust } from '../../core/trust.ts'
import type { HashPolicy } from '../../envoy/index.ts'
import type { CompiledRoute, Destination } from '../routing/compiled-route.ts'
import { type HashResult, hashOf } from '../upstream/hash.ts'
import { Asked } from './asked.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { MeshReply } from './exchange.ts'
import { isGrpc } from './grpc.ts'
import { type Fallback, fallbackOf, type Guard } from './guard.ts'
import { asGrpc, asText, bareHeaders, type LocalReply, statusText } from './local-reply.ts'

const NONE: readonly string[] = []

export abstract class Routed extends Asked {
  protected route: CompiledRoute | undefined
  protected destination: Destination | undefined
  protected hash: HashResult | undefined
  /** Made for the caller, so that it meets the same destination again. */
  #splitCookies: readonly string[] | undefined
  /** The cluster that it was sent to. */
  protected cluster: ClusterRuntime | undefined
  protected guard: Guard | undefined
  /** What is answered when the cluster that it should go to does not exist. */
  protected standIn: Fallback | undefined
  /** The caller's origin, when the route allows it. */
  protected origin: string | undefined

  /** The weighted destination: once per request, with the number that mirrors are chosen by as well. */
  protected choose(route: CompiledRoute): void {
    this.route = route
    this.outcome.route = route.name
    if (route.clusterFor === undefined) return
    this.destination =
      route.splitsBy === undefined ? route.clusterFor(this.share, this, undefined) : this.#chooseByHash(route, route.splitsBy)
    const { cluster } = this.destination
    this.outcome.cluster = cluster
    const to = this.engine.clusters.get(cluster)
    if (to !== undefined) this.guard = to.guardOf(route.policies)
    else if (route.missing !== undefined) this.standIn = fallbackOf(route.missing[cluster])
  }

  #chooseByHash(route: CompiledRoute, by: readonly HashPolicy[]): Destination {
    const found = hashOf(by, this, this.engine.clientAddress, this.request.headers, String(this.share))
    if (by === route.hashPolicies) this.hash = found
    else this.#splitCookies = found.setCookies
    return route.clusterFor!(this.share, this, found.hash)
  }

  /** The same way as another request, which chose it. */
  protected chooseAs(other: Routed): void {
    this.share = other.share
    this.path = other.path
    this.route = other.route
    this.destination = other.destination
    this.hash = other.hash
    this.#splitCookies = other.#splitCookies
    this.guard = other.guard
    this.standIn = other.standIn
    this.outcome.route = other.outcome.route
    this.outcome.cluster = other.outcome.cluster
  }

  /** What bounds the endpoints of a cluster that the request is led to. */
  trustFor(cluster: string): Trust | undefined {
    const own = this.route?.trust
    const { trust } = this.request
    return own?.clusters.has(cluster) === true ? narrower(trust, own.addresses) : trust
  }

  override give(reply: MeshReply): void {
    const route = this.route?.trust
    const { trust } = this.request
    if (route !== undefined || trust !== undefined || this.cluster?.trust !== undefined)
      reply.trust = common(common(common(reply.trust, trust), route?.addresses), this.cluster?.trust)
    super.give(reply)
  }

  answerRules(headers: string[]): void {
    const { route } = this
    if (route === undefined) return
    this.responseHeaders = headers
    route.applyResponse(headers, this.destination, this)
    if (this.origin !== undefined) route.cors!.decorate(headers, this.origin)
  }

  /** The cookies made for the hash: Envoy makes them anew for each choice of an endpoint. Answers of our own have none. */
  protected giveCookies(headers: string[]): void {
    for (const cookie of this.#splitCookies ?? NONE) headers.push('set-cookie', cookie)
    const cookies = this.hash?.setCookies
    if (cookies === undefined || cookies.length === 0) return
    for (let i = this.outcome.attempts; i > 0; i--) for (const cookie of cookies) headers.push('set-cookie', cookie)
  }

  /** Answers with a reply of ours, worded for who asks. */
  local(reply: LocalReply): void {
    this.flag(reply.flag)
    this.outcome.details = reply.details
    this.status = reply.status
    const headers = bareHeaders(reply)
    this.answerRules(headers)
    if (reply.after !== undefined) headers.push(...reply.after)
    if (isGrpc(this.headers)) this.finish(200, asGrpc(reply, headers), '')
    else this.finish(reply.status, asText(reply, headers), reply.body)
  }

  finish(status: number, headers: string[], text: string): void {
    if (this.over) return
    this.headersAreHere()
    this.end()
    this.give({ status, statusText: statusText(status), headers, body: undefined, text, outcome: this.outcome })
  }
}
