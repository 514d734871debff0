/** Endpoints as code writes them, judged and copied. */
import { OptionsError } from '../../../core/errors.ts'
import { type Fault, type InputOf, type OptionsOf, Place, readFields, refuse } from '../../../core/schema/index.ts'
import type { Locality } from '../../../envoy/index.ts'
import type { HostEntry } from '../host-set.ts'
import { endpointFields } from './options/endpoint.ts'

export interface Endpoint extends InputOf<typeof endpointFields> {}
export type EndpointSettings = OptionsOf<typeof endpointFields>

/** Throws an `OptionsError` that names every wrong one. `check` says what else is wrong with an address. */
export function readEndpoints(
  endpoints: readonly Endpoint[],
  what: string,
  check?: (address: string) => string | undefined,
): EndpointSettings[] {
  if (!Array.isArray(endpoints)) throw new OptionsError(`${what}: endpoints: expected a list such as [{ address: '10.0.0.1:80' }]`)
  const faults: Fault[] = []
  const seen = new Set<string>()
  const read = endpoints.map((given: unknown, i) => {
    const path = `endpoints[${i}]`
    const endpoint = readFields(endpointFields, given, new Place(path, true, faults)) as EndpointSettings
    const { address } = endpoint
    if (typeof address !== 'string') return endpoint
    const wrong = seen.has(address) ? `${address} is there twice` : check?.(address)
    if (wrong !== undefined) faults.push({ path: `${path}.address`, kind: 'value', message: wrong })
    seen.add(address)
    return endpoint
  })
  refuse(what, faults)
  return read
}

export function entriesOf(endpoints: readonly Endpoint[], what: string): HostEntry[] {
  return readEndpoints(endpoints, what).map(({ address, weight, priority = 0, labels, locality, health }) => ({
    address,
    weight,
    priority,
    labels,
    locality: localityOf(locality),
    configured: health,
  }))
}

/** A locality as people write it. */
export function localityOf(text: string | undefined): Locality | undefined {
  if (text === undefined) return undefined
  const [region, zone, subZone] = text.split('/')
  return { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(subZone ? { subZone } : {}) }
}
