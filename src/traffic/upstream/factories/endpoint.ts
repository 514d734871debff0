/** An endpoint as code writes it. */
import { OptionsError } from '../../../core/errors.ts'
import type { Locality } from '../../../envoy/index.ts'
import type { Configured } from '../host.ts'
import type { HostEntry } from '../host-set.ts'

export interface Endpoint {
  /** `ip:port`, or whatever tells endpoints apart. It is what hashes look at. */
  address: string
  /** Share of the requests. Default 1. */
  weight?: number | undefined
  /** 0 is asked first; others when too few of it are healthy. Default 0. */
  priority?: number | undefined
  labels?: Record<string, string> | undefined
  /** `region/zone/subzone`. */
  locality?: string | undefined
  /** Default `healthy`. A degraded one is asked when the healthy ones are too few. */
  health?: Configured | undefined
}

/** Judges and copies endpoints. Throws an OptionsError naming every wrong one. */
export function entriesOf(endpoints: readonly Endpoint[], what: string): HostEntry[] {
  const faults: string[] = []
  const seen = new Set<string>()
  const entries = endpoints.map((endpoint, i) => {
    const { address, weight = 1, priority = 0, labels = {}, locality, health = 'healthy' } = endpoint ?? {}
    const at = `${what}: endpoints[${i}]`
    if (typeof address !== 'string' || address === '')
      faults.push(`${at}.address: ${JSON.stringify(address)} is not a text, e.g. "10.0.0.1:80"`)
    else if (seen.has(address)) faults.push(`${at}.address: ${address} is there twice`)
    seen.add(address)
    if (!Number.isInteger(weight) || weight < 1 || weight > 4_294_967_295)
      faults.push(`${at}.weight: ${weight} is not a whole number of at least 1`)
    if (!Number.isInteger(priority) || priority < 0 || priority > 127)
      faults.push(`${at}.priority: ${priority} is not a whole number of 0 to 127`)
    if (!['healthy', 'degraded', 'unhealthy'].includes(health)) faults.push(`${at}.health: ${health} is not healthy, degraded or unhealthy`)
    return { address, weight, priority, labels: { ...labels }, locality: localityOf(locality), configured: health }
  })
  if (faults.length > 0) throw new OptionsError(faults.join('\n'))
  return entries
}

function localityOf(text: string | undefined): Locality | undefined {
  if (text === undefined) return undefined
  const [region, zone, subZone] = text.split('/')
  return { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(subZone ? { subZone } : {}) }
}
