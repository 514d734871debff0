/** Plays a scenario: starts its upstreams, makes a mesh of its rules, does its steps and writes down outcomes in the recording's own form. */
import { Client, type Received, type Sent, sentOf } from './client.ts'
import type { Arrival, Headers, Outcome, RequestSpec, Scenario, Step } from './scenario.ts'
import { type Arrived, startUpstreams, type Upstreams } from './upstreams.ts'

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** A request that was made. */
interface Made {
  sent: Sent
  received: Received
  ms: number
}

export interface Played {
  outcomes: (Outcome | null)[]
  /** Steps that could not be compared, and why. */
  unsayable: Map<number, string>
  /** A step began this many ms after its time: the machine was too busy to judge. */
  late: number
}

export async function perform(scenario: Scenario): Promise<Played> {
  const upstreams = await startUpstreams(scenario.upstreams)
  try {
    return await new Performance(scenario, upstreams).run()
  } finally {
    await upstreams.close()
  }
}

class Performance {
  readonly #scenario: Scenario
  readonly #upstreams: Upstreams
  readonly #client: Client
  readonly #began = performance.now()
  readonly #unsayable = new Map<number, string>()
  #late = 0
  #requests = 0
  #step = 0

  constructor(scenario: Scenario, upstreams: Upstreams) {
    this.#scenario = scenario
    this.#upstreams = upstreams
    this.#client = new Client(scenario, upstreams.connectTo)
  }

  async run(): Promise<Played> {
    const outcomes: (Outcome | null)[] = []
    const background: Promise<void>[] = []
    try {
      for (const [i, step] of this.#scenario.steps.entries()) {
        this.#step = i
        outcomes[i] = null
        if (step.op === 'join') await Promise.all(background)
        else if (step.op === 'burst' && step.background) {
          background.push(this.#burst(step).then(outcome => void (outcomes[i] = outcome)))
          await pause(step.lead ?? 60)
        } else outcomes[i] = await this.#do(step)
      }
      await Promise.all(background)
    } finally {
      await this.#client.close()
    }
    return { outcomes, unsayable: this.#unsayable, late: this.#late }
  }

  async #do(step: Step): Promise<Outcome | null> {
    switch (step.op) {
      case 'request':
        return this.#request(step)
      case 'repeat':
        return this.#repeat(step)
      case 'burst':
        return this.#burst(step)
      case 'many':
        return this.#many(step)
      case 'seq':
        return { seq: (await this.#oneByOne(step)).map(answererOf) }
      case 'keys': {
        const map: Record<string, string> = {}
        for (const key of step.keys!)
          map[key] = answererOf(await this.#make(JSON.parse(JSON.stringify(step.request).replaceAll('{key}', key))))
        return { map }
      }
      case 'hosts':
        return { hosts: this.#hosts() }
      case 'stats':
        await pause(step.settle ?? 20)
        return { stats: this.#client.stats() }
      case 'endpoints':
        this.#client.setEndpoints(new Set(step.present!.map(name => this.#scenario.upstreams[name]!.address)))
        return null
      case 'ramp':
        return this.#ramp(step)
      case 'wait':
        await pause(step.ms!)
        return null
      case 'at': {
        const left = this.#began + step.ms! - performance.now()
        if (left > 0) await pause(left)
        else this.#late = Math.max(this.#late, -left)
        return null
      }
      default:
        throw new Error(`unknown step ${step.op}`)
    }
  }

  async #make(request: RequestSpec): Promise<Made> {
    const sent = sentOf(request, `q${++this.#requests}`, this.#scenario.rules)
    if (sent.unsayable) this.#unsayable.set(this.#step, 'Host with another port than the listener')
    const start = performance.now()
    const received = await this.#client.send(sent)
    return { sent, received, ms: performance.now() - start }
  }

  async #oneByOne(step: Step): Promise<Made[]> {
    const made: Made[] = []
    for (let i = 0; i < step.n!; i++) {
      made.push(await this.#make(step.request!))
      if (step.gapMs) await pause(step.gapMs)
    }
    return made
  }

  async #request(step: Step): Promise<Outcome> {
    const made = await this.#make(step.request!)
    // An upstream may note an arrival after the client gave up; a mirror may arrive after the answer.
    if (step.settle || made.received.error || made.received.bodyError) await pause(step.settle ?? 20)
    else if (this.#scenario.unorderedSeen) await pause(30)
    const arrived = this.#arrivedOf([made])
    const outcome = this.#outcomeOf(made)
    if (arrived.length > 0) outcome.seen = arrived.map(a => arrivalOf(a, made.sent, step.conn === true))
    if (step.gaps) outcome.gaps = arrived.slice(1).map((a, i) => a.at - arrived[i]!.at)
    return outcome
  }

  async #repeat(step: Step): Promise<Outcome> {
    const made = await this.#oneByOne(step)
    return {
      each: made.map(one => {
        const { status, error, flags, attempts } = this.#outcomeOf(one)
        const arrived = this.#arrivedOf([one])
        return {
          status: status ?? error!,
          ...(flags === undefined ? {} : { flags }),
          ...(attempts === undefined ? {} : { attempts }),
          ...(arrived.length === 0 ? {} : { ups: arrived.map(a => a.up) }),
          ...(step.conn ? { conns: arrived.map(a => a.conn) } : {}),
        }
      }),
    }
  }

  async #burst(step: Step): Promise<Outcome> {
    const started: Promise<Made>[] = []
    for (let i = 0; i < step.n!; i++) {
      started.push(this.#make(step.request!))
      if (step.gapMs) await pause(step.gapMs)
    }
    const made = await Promise.all(started)
    await pause(step.settle ?? 0)
    const groups = new Map<string, Outcome & { n: number; ms: [number, number] }>()
    for (const one of made) {
      const { ms: _, route: _r, ...outcome } = this.#outcomeOf(one)
      const key = JSON.stringify(outcome)
      const group = groups.get(key) ?? { ...outcome, n: 0, ms: [Infinity, 0] as [number, number] }
      groups.set(key, { ...group, n: group.n + 1, ms: [Math.min(group.ms[0], one.ms), Math.max(group.ms[1], one.ms)] })
    }
    const arrived = this.#arrivedOf(made)
    const connections: Record<string, Set<number>> = {}
    for (const { up, conn } of arrived) (connections[up] ??= new Set()).add(conn)
    return {
      groups: [...groups.values()],
      seen: tally(arrived.map(a => a.up)),
      conns: Object.fromEntries(Object.entries(connections).map(([up, set]) => [up, set.size])),
      order: made.map(
        ({ received }) => `${received.status ?? received.error}${received.outcome?.flags ? ` ${received.outcome.flags}` : ''}`,
      ),
    }
  }

  async #many(step: Step): Promise<Outcome> {
    const from = this.#upstreams.arrived.length
    const results: string[] = []
    let left = step.n!
    const worker = async () => {
      while (left-- > 0) {
        const { received } = await this.#make(step.request!)
        const flags = step.flags ? received.outcome?.flags : ''
        results.push([upOf(received) ?? '-', received.status ?? received.error, flags].filter(Boolean).join(' '))
      }
    }
    await Promise.all(Array.from({ length: step.concurrency ?? 4 }, worker))
    await pause(step.settle ?? 0)
    const seen = tally(this.#upstreams.arrived.splice(from).map(a => a.up))
    return { counts: tally(results), seen }
  }

  async #ramp(step: Step): Promise<Outcome> {
    for (let i = 0; i < 20; i++) await this.#make(step.request!)
    const start = performance.now()
    const buckets: Record<string, number>[] = []
    let first: number | undefined
    for (let at = 0; at < (step.buckets! + 2) * step.bucketMs!; at = performance.now() - start) {
      const up = answererOf(await this.#make(step.request!))
      if (up === 'u3') first ??= at
      if (first !== undefined) {
        const bucket = (buckets[Math.floor((at - first) / step.bucketMs!)] ??= {})
        bucket[up] = (bucket[up] ?? 0) + 1
      }
      await pause(1)
    }
    return { ramp: Array.from({ length: step.buckets! }, (_, i) => ({ counts: buckets[i] ?? {} })) }
  }

  #hosts(): Record<string, Record<string, string>> {
    const named: Record<string, Record<string, string>> = {}
    for (const [cluster, hosts] of Object.entries(this.#client.hosts())) {
      const entries = Object.entries(hosts).map(([address, state]) => [this.#upstreams.nameOf(address), state])
      if (entries.length > 0) named[cluster] = Object.fromEntries(entries)
    }
    return named
  }

  #arrivedOf(made: readonly Made[]): Arrived[] {
    const ids = new Set(made.map(m => m.sent.id))
    return this.#upstreams.arrived.filter(a => a.id !== undefined && ids.has(a.id))
  }

  #outcomeOf({ received, ms }: Made): Outcome {
    const outcome: Outcome = received.status === undefined ? { error: received.error! } : { status: received.status }
    if (received.bodyError !== undefined) outcome.bodyError = received.bodyError
    const { flags, details, cluster, attempts, endpoint, route } = received.outcome ?? {}
    if (flags) outcome.flags = flags
    if (details && details !== 'via_upstream') outcome.details = details
    if (cluster) outcome.cluster = cluster
    if (attempts !== undefined && attempts !== 1) outcome.attempts = attempts
    const from = upOf(received)
    if (from !== undefined) outcome.from = from
    else if (received.body !== '') outcome.body = received.body
    if (from !== undefined && received.body !== from)
      outcome.upBody = received.body.length > 120 ? `${received.body.length} bytes` : received.body
    const host = endpoint ? this.#upstreams.nameOf(endpoint) : undefined
    if (host !== undefined && host !== from) outcome.host = host
    if (route && route !== 'default') outcome.route = route
    const headers: Record<string, string[]> = {}
    for (const [name, value] of received.headers) if (!LEFT_OUT.has(name)) (headers[name] ??= []).push(value)
    if (Object.keys(headers).length > 0) outcome.h = headers
    outcome.ms = ms
    return outcome
  }
}

const LEFT_OUT = new Set([
  'date',
  'server',
  'content-length',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'x-envoy-upstream-service-time',
  'x-up',
])

/** What a client sends by itself, and what the recording leaves out. */
const OWN = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'x-id',
  'x-envoy-attempt-count',
  'x-envoy-expected-rq-timeout-ms',
])
const OF_FETCH = new Set(['accept', 'accept-language', 'accept-encoding', 'user-agent', 'sec-fetch-mode'])

function arrivalOf(arrived: Arrived, sent: Sent, conn: boolean): Arrival {
  const arrival: Arrival = { up: arrived.up }
  if (arrived.method !== sent.method) arrival.method = arrived.method
  if (arrived.path !== sent.path) arrival.path = arrived.path
  if (arrived.host.toLowerCase() !== sent.authority.toLowerCase()) arrival.host = arrived.host
  const before = new Map<string, string[]>()
  for (const [name, value] of sent.headers) before.set(name.toLowerCase(), [...(before.get(name.toLowerCase()) ?? []), value])
  const changed: Headers = {}
  for (const [name, lines] of arrived.headers)
    if (!OWN.has(name) && !(OF_FETCH.has(name) && !before.has(name)) && lines.join(',') !== before.get(name)?.join(','))
      changed[name] = lines
  if (Object.keys(changed).length > 0) arrival.h = changed
  const gone = [...before.keys()].filter(name => !OWN.has(name) && !arrived.headers.has(name))
  if (gone.length > 0) arrival.gone = gone
  if (arrived.body !== '') {
    if (arrived.body.length > 80) arrival.body = `${arrived.body.length} bytes`
    else if (arrived.body === sent.body) arrival.bodySame = true
    else arrival.body = arrived.body
  }
  const attempt = arrived.headers.get('x-envoy-attempt-count')?.[0]
  const expected = arrived.headers.get('x-envoy-expected-rq-timeout-ms')?.[0]
  if (attempt !== undefined) arrival.att = Number(attempt)
  if (expected !== undefined) arrival.exp = Number(expected)
  if (conn) arrival.conn = arrived.conn
  return arrival
}

const upOf = (received: Received): string | undefined => received.headers.find(([name]) => name === 'x-up')?.[1]
const answererOf = ({ received }: Made): string => upOf(received) ?? `!${received.status ?? received.error}`

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
