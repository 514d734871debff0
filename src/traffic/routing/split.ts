/**
 * Where the requests of a route go: one cluster, or intervals of the total weight in the order of the document. The place in them comes
 * from the request's random number; by choice from a header that holds the number, or from the hash of the route's hash policies: then the
 * same caller always meets the same version. That is Envoy's way, where new weights move many callers; our own extension moves few.
 */
import { nameOfPlace, placeOfKey } from '../../base/formats/rendezvous.ts'
import type { HashPolicy, Route } from '../../envoy/index.ts'
import { whole } from './fraction.ts'
import type { RequestView } from './request-view.ts'
import { type HeaderOps, headerOps } from './rewrite.ts'
import { authorityBytes, requestHeaderName, responseHeaderName } from './rule-text.ts'

/** The extension by which a weighted route keeps a caller at one destination: `{ hashPolicy }`, what of the request it goes by. Envoy has no such filter. */
export const SPLIT = 'meshless.dev/split'

/** A cluster that a request may be sent to, with what is done only for it. */
export interface Destination {
  readonly cluster: string
  readonly request: HeaderOps | undefined
  readonly response: HeaderOps | undefined
  readonly host: string | undefined
}

export interface Split {
  pick(random: number, request: RequestView, hash: bigint | undefined): Destination
  /** What the hash is made of that `pick` looks at; `undefined`: it looks at none. */
  readonly by: readonly HashPolicy[] | undefined
  readonly shares: { cluster: string; percent: number }[]
}

export function splitOf(route: Route): Split | undefined {
  const action = route.route
  if (action === undefined) return undefined
  const weighted = action.weightedClusters
  if (weighted === undefined) {
    const only: Destination = { cluster: action.cluster ?? '', request: undefined, response: undefined, host: undefined }
    return { pick: () => only, by: undefined, shares: [{ cluster: only.cluster, percent: 100 }] }
  }
  const entries = weighted.clusters.map(w => ({
    weight: w.weight ?? 0,
    destination: {
      cluster: w.name,
      request: headerOps(requestHeaderName, w.requestHeadersToAdd, w.requestHeadersToRemove),
      response: headerOps(responseHeaderName, w.responseHeadersToAdd, w.responseHeadersToRemove),
      host: w.hostRewriteLiteral === undefined ? undefined : authorityBytes(w.hostRewriteLiteral),
    },
  }))
  const total = entries.reduce((sum, e) => sum + e.weight, 0)
  const header = weighted.headerName?.toLowerCase()
  const byHash = weighted.useHashPolicy === true
  const sticky = (route.typedPerFilterConfig?.[SPLIT] as { hashPolicy: HashPolicy[] } | undefined)?.hashPolicy
  const places = entries.map(({ weight, destination }) => ({ name: nameOfPlace(destination.cluster), weight }))

  const place = (random: number, request: RequestView, hash: bigint | undefined): number => {
    if (header !== undefined) {
      const said = request.header(header)
      if (said !== undefined && /^\d{1,20}$/.test(said)) return Number(BigInt(said) % BigInt(total))
    }
    return byHash && hash !== undefined ? Number(hash % BigInt(total)) : whole(random) % total
  }
  return {
    by: sticky ?? (byHash && action.hashPolicy?.length ? action.hashPolicy : undefined),
    pick(random, request, hash) {
      if (sticky !== undefined && hash !== undefined) return entries[placeOfKey(places, hash)]!.destination
      let rest = place(random, request, hash)
      for (const entry of entries) {
        if (rest < entry.weight) return entry.destination
        rest -= entry.weight
      }
      return entries[0]!.destination
    },
    shares: entries.map(e => ({ cluster: e.destination.cluster, percent: (100 * e.weight) / total })),
  }
}
