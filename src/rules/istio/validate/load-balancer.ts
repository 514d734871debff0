/** Load balancing: hashes, warm-up and localities. */
import { member } from '../document.ts'
import type { Check } from './check.ts'
import { cookieName, cookieText, lookedUpHeader } from './http-text.ts'

const TOPOLOGY = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone']

export function loadBalancer(check: Check, lb: any, path: string, outlier: boolean): void {
  if (lb.consistentHash !== undefined) consistentHash(check, lb.consistentHash, `${path}.consistentHash`)
  if (lb.warmup !== undefined) warmup(check, lb.warmup, `${path}.warmup`)
  if (lb.localityLbSetting !== undefined) locality(check, lb.localityLbSetting, `${path}.localityLbSetting`, outlier)
}

/** Envoy's largest ring. */
const LARGEST_RING = 8_388_608

function consistentHash(check: Check, hash: any, path: string): void {
  if (hash.httpHeaderName !== undefined) lookedUpHeader(check, hash.httpHeaderName, `${path}.httpHeaderName`)
  if (hash.httpCookie !== undefined) {
    const at = `${path}.httpCookie`
    if (!hash.httpCookie.name) check.error('required', at, 'a cookie needs a name', 'add name:')
    else cookieName(check, hash.httpCookie.name, `${at}.name`)
    cookieText(check, hash.httpCookie.path ?? '', `${at}.path`)
    const names = new Set<string>()
    for (const [index, { name, value = '' }] of (hash.httpCookie.attributes ?? []).entries()) {
      const here = member(`${at}.attributes`, index)
      if (!name) check.error('required', here, 'a cookie attribute needs a name', 'add name:')
      else if (names.has(name)) check.error('duplicate', here, `the cookie attribute ${name} is there twice`, 'name each attribute once')
      else cookieName(check, name, `${here}.name`)
      cookieText(check, value, `${here}.value`)
      names.add(name)
    }
  }
  for (const [size, at] of [
    [hash.ringHash?.minimumRingSize, `${path}.ringHash.minimumRingSize`],
    [hash.minimumRingSize, `${path}.minimumRingSize`],
  ] as const)
    if (size > LARGEST_RING)
      check.error('out-of-range', at, `a ring of ${size} places; Envoy makes at most ${LARGEST_RING}`, 'use 1024, or 100 for each endpoint')
  if (hash.minimumRingSize) {
    check.warn('deprecated', `${path}.minimumRingSize`, 'minimumRingSize is deprecated here', 'use ringHash: { minimumRingSize: … }')
    if (hash.ringHash !== undefined || hash.maglev !== undefined)
      check.error('conflict', `${path}.minimumRingSize`, 'minimumRingSize beside ringHash or maglev', 'put it into ringHash')
  }
  if (hash.maglev !== undefined) {
    const size: number = hash.maglev.tableSize ?? 0
    const at = `${path}.maglev.tableSize`
    if (size === 0) check.error('required', at, 'tableSize is required for maglev', 'use a prime number such as 65537')
    else if (size >= 5_000_011)
      check.error('out-of-range', at, `the table size ${size} is not below 5000011`, 'use a prime number such as 65537')
    else if (!isPrime(size)) check.error('not-prime', at, `the table size ${size} is no prime number`, 'use a prime number such as 65537')
  }
}

/** Istio lets 1 pass. */
function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}

function warmup(check: Check, warmup: any, path: string): void {
  if (warmup.duration === undefined) check.error('required', path, 'a warm-up needs a duration', 'add duration: 30s')
  check.duration(warmup.duration, `${path}.duration`)
  if (warmup.minimumPercent > 100) check.percent(warmup.minimumPercent, `${path}.minimumPercent`)
  if (warmup.aggression !== undefined && warmup.aggression < 1)
    check.error('out-of-range', `${path}.aggression`, `an aggression of ${warmup.aggression} is below 1`, '1 is linear')
}

function locality(check: Check, setting: any, path: string, outlier: boolean): void {
  const { distribute = [], failover = [], failoverPriority = [] } = setting
  if (distribute.length > 0 && failover.length > 0)
    check.error('conflict', `${path}.failover`, 'distribute and failover exclude each other', 'leave one of them out')
  for (const [index, { from = '', to = {} }] of distribute.entries()) {
    const at = member(`${path}.distribute`, index)
    place(check, from, `${at}.from`)
    let total = 0
    for (const [target, weight] of Object.entries<number>(to)) {
      place(check, target, member(`${at}.to`, target))
      if (weight < 1 || weight > 100)
        check.error(
          'out-of-range',
          member(`${at}.to`, target),
          `the weight ${weight} is not between 1 and 100`,
          'leave the locality out to send nothing there',
        )
      total += weight
    }
    const twice = overlapping(Object.keys(to))
    if (twice !== undefined)
      check.error(
        'duplicate',
        member(`${at}.to`, twice[1]),
        `${twice[1]} and ${twice[0]} overlap: which share counts would depend on their order`,
        'name localities that do not overlap',
      )
    if (total !== 100)
      check.error('weights-not-100', `${at}.to`, `the weights add up to ${total}, not 100`, 'weights of localities are percentages')
  }
  const overlap = firstOverlap(distribute.map(({ from = '' }) => from))
  if (overlap !== undefined)
    check.error(
      'duplicate',
      `${member(`${path}.distribute`, overlap)}.from`,
      `${distribute[overlap].from} overlaps an earlier locality`,
      'name each locality once',
    )
  for (const [index, { from = '', to = '' }] of failover.entries()) {
    const at = member(`${path}.failover`, index)
    if (from === to) check.error('invalid-locality', at, 'failover from a region to itself', 'name two regions')
    if (/[/*]/.test(from + to)) check.error('invalid-locality', at, 'failover is between regions', 'name regions, without zone or "*"')
  }
  if (failover.length > 0)
    for (const [index, label] of failoverPriority.entries())
      if (TOPOLOGY.includes(label))
        check.error('conflict', member(`${path}.failoverPriority`, index), `${label} beside failover`, 'leave failover out')
  if ((failover.length > 0 || failoverPriority.length > 0) && !outlier)
    check.warn(
      'failover-without-outlier',
      path,
      'without outlierDetection nothing is ever unhealthy, so nothing fails over',
      'add outlierDetection: {}',
    )
}

function place(check: Check, locality: string, path: string): void {
  const [region, zone, ...rest] = locality.split('/')
  const star = locality.indexOf('*')
  if (star >= 0 && star !== locality.length - 1)
    check.error('invalid-locality', path, `${locality}: "*" may stand at the end only`, 'such as region/zone/*')
  else if (region === '' || zone === '' || (rest.length > 0 && rest.join('/') === ''))
    check.error('invalid-locality', path, `${JSON.stringify(locality)} has an empty part`, 'region/zone/subzone')
}

/** Two localities of a map, which has no order, of which one contains the other. */
function overlapping(localities: readonly string[]): [string, string] | undefined {
  for (const [index, one] of localities.entries())
    for (const other of localities.slice(0, index)) if (contains(one, other) || contains(other, one)) return [other, one]
  return undefined
}

function contains(wider: string, locality: string): boolean {
  const parts = locality.split('/')
  return wider.split('/').every((part, index) => part === '*' || part === parts[index])
}

/** The first locality that an earlier one contains or equals; a wider one after narrower ones with "*" passes, as in Istio. */
function firstOverlap(localities: readonly string[]): number | undefined {
  const regions = new Map<string, Map<string, Set<string>>>()
  for (const [index, locality] of localities.entries()) {
    const [region = '', zone, ...rest] = locality.split('/')
    const within = rest.length > 0 ? rest.join('/') : '*'
    const zones = regions.get(region)
    if (regions.has('*') || (zone === undefined && zones !== undefined)) return index
    if (zones === undefined) {
      regions.set(region, new Map([[zone ?? '*', new Set([within])]]))
      continue
    }
    const known = zones.get(zone!)
    if (zones.has('*') || (known !== undefined && (within === '*' || known.has('*') || known.has(within)))) return index
    if (known === undefined) zones.set(zone!, new Set([within]))
    else known.add(within)
  }
  return undefined
}
