/**
 * What differs between our outcomes and the recorded ones, in words, with the step. The rules are those under which the recordings were made:
 * exact where Envoy is, a band where time decides, a test of shares where chance does.
 */
import type { Arrival, Band, Headers, Outcome, Scenario } from './scenario.ts'
import { alike, fits } from './statistics.ts'

export interface Difference {
  step: number
  text: string
}

/** The level of every test of shares. */
const P = 0.001
/** ms by which we may be early, late, and late for each step of our own. */
const EARLY = 20
const LATE = 60
const OVERHEAD = 15

export function compare(scenario: Scenario, played: readonly (Outcome | null)[], unsayable: ReadonlyMap<number, string>): Difference[] {
  return new Comparison(scenario, played, unsayable).run()
}

const ends = (band: Band): [number, number] => (Array.isArray(band) ? band : [band, band])
const show = (value: unknown): string => (value === undefined ? 'absent' : JSON.stringify(value).slice(0, 160))

class Comparison {
  readonly #scenario: Scenario
  readonly #mine: (Outcome | null)[]
  readonly #unsayable: ReadonlyMap<number, string>
  readonly #found: Difference[] = []
  #step = 0

  constructor(scenario: Scenario, played: readonly (Outcome | null)[], unsayable: ReadonlyMap<number, string>) {
    this.#scenario = scenario
    const copy = structuredClone(played) as (Outcome | null)[]
    if (scenario.unorderedSeen) for (const o of [...copy, ...scenario.outcomes]) if (Array.isArray(o?.seen)) o.seen.sort(byUpstream)
    this.#mine = scenario.sym === undefined ? copy : renamed(copy, new Set(scenario.sym))
    this.#unsayable = unsayable
  }

  run(): Difference[] {
    let many = 0
    for (const [i, step] of this.#scenario.steps.entries()) {
      this.#step = i
      const theirs = this.#scenario.outcomes[i]
      const mine = this.#mine[i]
      const nth = step.op === 'many' ? many++ : 0
      if (!theirs || theirs.free || step.free || this.#unsayable.has(i)) continue
      if (!mine) this.#say('no outcome')
      else if (step.op === 'request') this.#request(mine, theirs)
      else if (step.op === 'repeat') this.#repeat(mine, theirs)
      else if (step.op === 'burst') this.#burst(mine, theirs)
      else if (step.op === 'many') this.#many(mine, theirs, nth)
      else if (step.op === 'seq') this.#sequence(mine.seq!, theirs)
      else if (step.op === 'keys') this.#same('upstreams of keys', mine.map, theirs.map)
      else if (step.op === 'hosts') this.#hosts(mine, theirs)
      else if (step.op === 'stats') this.#stats(mine, theirs)
      else if (step.op === 'ramp') this.#ramp(mine, theirs)
    }
    return this.#found
  }

  #say(text: string): void {
    this.#found.push({ step: this.#step, text })
  }

  #same(what: string, mine: unknown, theirs: unknown): void {
    if (JSON.stringify(sorted(mine)) !== JSON.stringify(sorted(theirs))) this.#say(`${what}: ${show(mine)}, recorded ${show(theirs)}`)
  }

  #within(what: string, mine: number, band: Band, slack = 0): void {
    const [low, high] = ends(band)
    if (mine < low - slack || mine > high + slack) this.#say(`${what}: ${mine}, recorded ${show(band)}`)
  }

  #counts(what: string, mine: Record<string, number> = {}, theirs: Record<string, Band> = {}, slack = 0): void {
    for (const name of new Set([...Object.keys(mine), ...Object.keys(theirs)]))
      this.#within(`${what} ${name}`, mine[name] ?? 0, theirs[name] ?? 0, slack)
  }

  // ── one request ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #request(mine: Outcome, theirs: Outcome): void {
    const { gapBand } = this.#scenario
    if (theirs.cluster === 'PassthroughCluster') {
      // No original destination in the recording: only that it passes is an outcome.
      if (mine.cluster !== undefined) this.#same('cluster', mine.cluster, theirs.cluster)
      return
    }
    this.#reply(mine, theirs)
    this.#time(mine, theirs)
    if (theirs.error === undefined) this.#same('route', mine.route, theirs.route)
    if (theirs.seen !== undefined || (theirs.from === undefined && !byChance(theirs))) this.#arrivals(mine.seen ?? [], theirs.seen ?? [])
    if (gapBand !== undefined && mine.gaps !== undefined)
      for (const [i, gap] of mine.gaps.entries())
        if (gap < -2 || gap >= gapBand[i]! + OVERHEAD) this.#say(`gap ${i + 1}: ${gap} ms, possible are 0 to ${gapBand[i]}`)
  }

  #reply(mine: Outcome, theirs: Outcome): void {
    this.#same('status', mine.status ?? mine.error, theirs.status ?? theirs.error)
    // A caller that left sees no log line.
    if (theirs.error !== undefined) return
    for (const field of ['flags', 'details', 'attempts', 'body'] as const) this.#same(field, mine[field], theirs[field])
    // An abort hides which of several destinations chance had chosen.
    if (theirs.cluster !== undefined || theirs.flags !== 'FI') this.#same('cluster', mine.cluster, theirs.cluster)
    if (!byChance(theirs)) {
      this.#same('from', mine.from, theirs.from)
      this.#same('host', mine.host, theirs.host)
    }
    this.#same('body cut', mine.bodyError !== undefined, theirs.bodyError !== undefined)
    if (theirs.bodyError === undefined) this.#same('body of the upstream', mine.upBody, theirs.upBody)
    else if (!(theirs.upBody ?? '').startsWith(mine.upBody ?? '')) this.#same('body of the upstream', mine.upBody, theirs.upBody)
    this.#same('headers', headersOf(mine.h), headersOf(theirs.h))
  }

  #time(mine: Outcome, theirs: Outcome): void {
    // Envoy holds a cut answer back for a second; here it is cut at once.
    if (theirs.bodyError !== undefined || theirs.error !== undefined) return
    const [low, high] = ends(mine.ms!)
    const { gapBand } = this.#scenario
    if (gapBand !== undefined) {
      const most = gapBand.reduce((total, band) => total + band + OVERHEAD, LATE)
      if (high > most) this.#say(`took ${high} ms, possible are ${most}`)
      return
    }
    const spread = theirs.details === 'response_timeout' ? 0 : jitter(this.#scenario.rules, theirs.attempts ?? 1)
    if (theirs.ms === undefined) {
      if (high > 200 + spread) this.#say(`took ${high} ms, recorded below 40`)
      return
    }
    const [from, to] = ends(theirs.ms)
    if (from >= 100 && Array.isArray(theirs.ms) && low < from - EARLY - spread) this.#say(`took ${low} ms, recorded ${show(theirs.ms)}`)
    if (high > to + LATE + spread) this.#say(`took ${high} ms, recorded ${show(theirs.ms)}`)
  }

  #arrivals(mine: readonly Arrival[], theirs: readonly Arrival[]): void {
    const ups = (list: readonly Arrival[]) => list.map(a => a.up).join(' ')
    if (ups(mine) !== ups(theirs)) return this.#say(`reached ${show(ups(mine))}, recorded ${show(ups(theirs))}`)
    for (const [i, their] of theirs.entries()) {
      const my = mine[i]!
      const at = `arrival ${i + 1}:`
      for (const field of ['method', 'path', 'host', 'body', 'bodySame', 'att'] as const)
        this.#same(`${at} ${field}`, my[field], their[field])
      if (their.conn !== undefined) this.#same(`${at} connection`, my.conn, their.conn)
      this.#same(`${at} headers`, headersOf(my.h), headersOf(their.h))
      this.#same(`${at} headers removed`, [...(my.gone ?? [])].sort(), [...(their.gone ?? [])].sort())
      const slack = this.#scenario.tolerance?.exp ?? (Array.isArray(their.exp) ? OVERHEAD : 0)
      if (their.exp === undefined || my.exp === undefined) this.#same(`${at} expected timeout`, my.exp, their.exp)
      else this.#within(`${at} expected timeout`, my.exp as number, their.exp, slack)
    }
  }

  // ── many requests ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #repeat(mine: Outcome, theirs: Outcome): void {
    if (theirs.counts !== undefined) {
      const results: Record<string, number> = {}
      const ups: Record<string, number> = {}
      for (const one of mine.each!) {
        const key = `${one.status}${one.flags ? ` ${one.flags}` : ''}`
        results[key] = (results[key] ?? 0) + 1
        for (const up of one.ups ?? []) ups[up] = (ups[up] ?? 0) + 1
      }
      this.#counts('results', results, theirs.counts.status)
      if (theirs.counts.ups !== undefined) this.#counts('reached', ups, theirs.counts.ups, 1) // where a rotation starts is random
      return
    }
    for (const [i, their] of theirs.each!.entries()) {
      if (their.free) continue
      const { status, flags, attempts, ups = [], conns } = mine.each![i]!
      const was = { status: their.status, flags: their.flags, attempts: their.attempts, ups: their.ups ?? [] }
      this.#same(`#${i + 1}`, { status, flags, attempts, ups }, was)
      if (their.conns !== undefined) this.#same(`#${i + 1} connections`, conns, their.conns)
    }
  }

  #burst(mine: Outcome, theirs: Outcome): void {
    const anyHost = this.#scenario.sym !== undefined
    const kinds = (outcome: Outcome) => {
      const all = new Map<string, { n: Band; ms: Band | undefined }>()
      for (const group of outcome.groups!) {
        const { n, ms, from, host: _, h, bodyError, ...rest } = group
        const key = show(sorted({ ...rest, ...(anyHost ? {} : { from }), h: headersOf(h), cut: bodyError !== undefined }))
        const known = all.get(key)
        if (known === undefined) all.set(key, { n, ms })
        else
          all.set(key, {
            n: ends(known.n)[0] + ends(n)[0],
            ms: [Math.min(ends(known.ms!)[0], ends(ms!)[0]), Math.max(ends(known.ms!)[1], ends(ms!)[1])],
          })
      }
      return all
    }
    const ours = kinds(mine)
    for (const [key, { n, ms }] of kinds(theirs)) {
      const our = ours.get(key)
      ours.delete(key)
      if (our === undefined) this.#say(`never came: ${show(n)} times ${key}`)
      else {
        this.#within(`number of ${key}`, our.n as number, n)
        this.#time({ ms: our.ms! }, ms === undefined ? {} : { ms })
      }
    }
    for (const [key, { n }] of ours) this.#say(`never recorded: ${show(n)} times ${key}`)
    const numbers = (counts: Record<string, number>) => Object.values(counts).sort((a, b) => a - b)
    if (theirs.seen !== undefined) this.#counts('arrivals at', mine.seen, theirs.seen)
    if (theirs.seenSorted !== undefined) this.#same('arrivals', numbers(mine.seen), theirs.seenSorted)
    if (theirs.conns !== undefined) this.#counts('connections to', mine.conns as Record<string, number>, theirs.conns)
    if (theirs.connsSorted !== undefined) this.#same('connections', numbers(mine.conns as Record<string, number>), theirs.connsSorted)
    if (theirs.order !== undefined) this.#same('results in order', mine.order, theirs.order)
  }

  #many(mine: Outcome, theirs: Outcome, nth: number): void {
    const { random, expectSorted, expectGroups, expectNote } = this.#scenario
    const counts: Record<string, number> = mine.counts
    const seen: Record<string, number> = mine.seen
    if (!random) {
      this.#counts('results', counts, theirs.perRun![0])
      const runs = theirs.perRun!.length
      if (theirs.seen !== undefined)
        this.#counts('arrivals at', seen, Object.fromEntries(Object.entries<number>(theirs.seen).map(([u, v]) => [u, v / runs])))
      return
    }
    const total = Object.values(counts).reduce((a, b) => a + b, 0)
    const test = (what: string, p: number) => p > P || this.#say(`${what} (p = ${p.toExponential(1)}): ${show(counts)}, seen ${show(seen)}`)
    for (const result of Object.keys(counts)) if (!(result in theirs.counts)) this.#say(`never recorded: ${counts[result]} times ${result}`)
    const expect: Record<string, number> = (Array.isArray(this.#scenario.expect) ? this.#scenario.expect[nth] : this.#scenario.expect) ?? {}
    const rough = /roughly/.test(expectNote ?? '')
    const shares: Record<string, number> = {}
    for (const [key, share] of Object.entries(expect)) {
      if (!key.startsWith('seen:')) shares[key] = share
      else {
        const hit = seen[key.slice(5)] ?? 0
        test(`share of ${key}`, hit > total ? 0 : fits({ hit, miss: total - hit }, { hit: share, miss: 1 - share }))
      }
    }
    const folded: Record<string, number> = {}
    const groupOf = (up: string) => Object.keys(expectGroups ?? {}).find(group => group.split(',').includes(up))
    for (const [result, n] of Object.entries(counts)) {
      const up = result.split(' ')[0]!
      const key = groupOf(up) ?? (result in shares ? result : up in shares ? up : result)
      folded[key] = (folded[key] ?? 0) + n
    }
    if (Object.keys(shares).length > 0 && !rough) test('shares', fits(folded, shares))
    else if (expectGroups !== undefined) test('shares of groups', fits(folded, expectGroups))
    else if (expectSorted !== undefined) {
      const ordered = Object.fromEntries(
        Object.values(counts)
          .sort((a, b) => a - b)
          .map((n, i) => [i, n]),
      )
      test('shares', fits(ordered, Object.fromEntries(expectSorted.map((share, i) => [i, share]))))
    } else test('as recorded', alike(counts, theirs.counts))
  }

  #sequence(mine: readonly string[], theirs: Outcome): void {
    const { cycle, counts, seq } = theirs
    if (counts !== undefined) {
      const own: Record<string, number> = {}
      for (const up of mine) own[up] = (own[up] ?? 0) + 1
      this.#counts('answered by', own, counts, 1)
    } else if (cycle !== undefined) {
      const turns = cycle.some((_, start) => mine.every((up, i) => up === cycle[(start + i) % cycle.length]))
      if (!turns) this.#say(`${mine.slice(0, 2 * cycle.length).join(' ')} is no rotation of ${cycle.join(' ')}`)
    } else this.#same('sequence', mine, seq)
  }

  // ── the state inside ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  #hosts(mine: Outcome, theirs: Outcome): void {
    for (const [cluster, hosts] of Object.entries(theirs.hosts ?? {})) this.#same(`hosts of ${cluster}`, mine.hosts![cluster], hosts)
    for (const [cluster, counts] of Object.entries(theirs.hostCounts ?? {})) {
      const own: Record<string, number> = {}
      for (const state of Object.values(mine.hosts![cluster] ?? {})) own[state] = (own[state] ?? 0) + 1
      this.#same(`hosts of ${cluster}`, own, counts)
    }
  }

  #stats(mine: Outcome, theirs: Outcome): void {
    const clusters = new Set([...Object.keys(mine.stats!), ...Object.keys(theirs.stats!)])
    for (const cluster of clusters) {
      if (cluster === 'PassthroughCluster' || cluster.startsWith('PassthroughCluster|') || cluster === 'BlackHoleCluster') continue
      const own = mine.stats![cluster] ?? {}
      const their = theirs.stats![cluster] ?? {}
      for (const name of new Set([...Object.keys(own), ...Object.keys(their)])) {
        if (!this.#isCompared(cluster, name) || (own[name] === undefined && their[name] === undefined)) continue
        // Where only totals are deterministic three runs do not show the whole range.
        const [low, high] = ends(their[name] ?? 0)
        const slack = Array.isArray(their[name]) && this.#scenario.compare !== undefined ? Math.max(3, high - low) : 0
        this.#within(`${cluster} ${name}`, (own[name] as number) ?? 0, their[name] ?? 0, slack)
      }
    }
  }

  #isCompared(cluster: string, name: string): boolean {
    if (cluster === 'http') return LISTENER.test(name)
    if (/^upstream_(cx_total|cx_active|rq_pending_total)$/.test(name)) return this.#scenario.area === 'pools'
    return COUNTED.test(name)
  }

  #ramp(mine: Outcome, theirs: Outcome): void {
    for (const [i, { expectU3 }] of theirs.ramp!.entries()) {
      const counts = mine.ramp![i]!.counts
      const n = Object.values(counts).reduce((a, b) => a + b, 0)
      const share = (counts['u3'] ?? 0) / n
      if (!(Math.abs(share - expectU3!) <= 0.02 + 2 / n))
        this.#say(`bucket ${i}: u3 gets ${share.toFixed(3)} of ${n}, expected ${expectU3}`)
    }
  }
}

const LISTENER = /^(fault\..*|no_route|no_cluster|rq_direct_response|rq_redirect)$/
const COUNTED = new RegExp(
  `^(${[
    'upstream_rq_(total|retry.*|pending_overflow|pending_failure_eject|timeout|per_try_timeout|rx_reset|cancelled|active|pending_active)',
    'upstream_cx_(overflow|connect_fail|connect_timeout|max_requests|idle_timeout|none_healthy)',
    'lb_healthy_panic',
    'retry_or_shadow_abandoned',
    'outlier_detection\\.ejections_(active|overflow|enforced_.*|detected_.*)',
    'circuit_breakers\\.default\\..*_open',
  ].join('|')})$`,
)

/** The recorder left out what the port of its client decides: who answers. */
const byChance = (o: Outcome) => (o.status ?? 0) < 300 && o.cluster !== undefined && !o.from && !o.seen && !o.details && !o.body

const byUpstream = (a: Arrival, b: Arrival) => (a.up < b.up ? -1 : a.up > b.up ? 1 : 0)

/** Lists as one text; the value of a generated cookie is the caller's. */
function headersOf(headers: Headers | undefined): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    const lines = [value].flat()
    plain[name] =
      name === 'set-cookie'
        ? lines.map(line => line.replace(/="(<hash hex>|[0-9a-f]{8,16})"/, '="*"')).join('\n')
        : lines
            .join(',')
            .split(name === 'cookie' ? /[;,]/ : ',')
            .map(part => part.trim())
            .join(',')
  }
  return plain
}

/** How far the random waits before retries may move a duration, ms. */
function jitter(rules: string, attempts: number): number {
  const said = /backoff: "?([\d.]+)(ms|s)"?/.exec(rules)
  const base = said === null ? 25 : Number(said[1]) * (said[2] === 's' ? 1000 : 1)
  let most = 0
  for (let k = 1; k < attempts; k++) most += Math.min(base * 10, base * 2 ** (k - 1))
  return most
}

/** The same with keys in order and without absent ones, for comparing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  )
}

/** Interchangeable upstreams are called ~1, ~2 … in the order in which they first appear. */
function renamed(outcomes: readonly (Outcome | null)[], interchangeable: ReadonlySet<string>): (Outcome | null)[] {
  const names = new Map<string, string>()
  const name = (up: string): string => {
    if (!names.has(up)) names.set(up, `~${names.size + 1}`)
    return names.get(up)!
  }
  const FIRST = ['seen', 'each', 'seq', 'from', 'host']
  const walk = (value: any): any => {
    if (typeof value === 'string') {
      const [first, ...rest] = value.split(' ')
      return interchangeable.has(first!) ? [name(first!), ...rest].join(' ') : value
    }
    if (Array.isArray(value)) return value.map(walk)
    if (value === null || typeof value !== 'object') return value
    const keys = Object.keys(value)
    const ordered = keys.some(k => interchangeable.has(k))
      ? keys.sort((a, b) => Number(names.has(b)) - Number(names.has(a)) || (JSON.stringify(value[a]) < JSON.stringify(value[b]) ? -1 : 1))
      : keys.sort((a, b) => rank(a) - rank(b))
    return Object.fromEntries(ordered.map(k => [interchangeable.has(k) ? name(k) : k, walk(value[k])]))
  }
  const rank = (key: string) => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length)
  return outcomes.map(walk)
}
