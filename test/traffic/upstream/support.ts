/** What tests of this room share: hosts without an assignment round them, and a transport that does as it is told. */
import type {
  Connection,
  ConnectionListener,
  ConnectTarget,
  Stream,
  StreamListener,
  Transport,
  WireRequest,
} from '../../../src/core/transport.ts'
import type { Configured, Host } from '../../../src/traffic/upstream/host.ts'
import { type HostEntry, HostSet } from '../../../src/traffic/upstream/host-set.ts'

export interface Said {
  weight?: number
  priority?: number
  zone?: string
  configured?: Configured
}

export const entry = (address: string, { weight = 1, priority = 0, zone, configured = 'healthy' }: Said = {}): HostEntry => ({
  address,
  labels: {},
  locality: zone === undefined ? undefined : { zone },
  priority,
  weight,
  configured,
})

/** A set of hosts named `h0`, `h1` …; `zones`: weights of localities, by `priority/zone`. */
export function hostSet(said: readonly Said[], zones: Record<string, number> = {}, now = 0): HostSet {
  const set = new HostSet()
  const weights = new Map(
    Object.entries(zones).map(([key, weight]) => {
      const [priority, zone] = key.split('/')
      return [`${priority}//${zone}/`, weight]
    }),
  )
  set.put(
    said.map((s, i) => entry(`h${i}`, s)),
    now,
    weights,
  )
  return set
}

export const names = (hosts: readonly (Host | undefined)[]) => hosts.map(h => h?.address)

/** How often each came up. */
export function count<T>(n: number, next: () => T): Map<T, number> {
  const counts = new Map<T, number>()
  for (let i = 0; i < n; i++) {
    const value = next()
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}

/** Chi-square of counts against shares (together 1). */
export function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b, 0)
  return counts.reduce((sum, c, i) => sum + (c - n * shares[i]!) ** 2 / (n * shares[i]!), 0)
}

export class FakeStream implements Stream {
  readonly connection: FakeConnection
  readonly request: WireRequest
  readonly listener: StreamListener
  over = false

  constructor(connection: FakeConnection, request: WireRequest, listener: StreamListener) {
    this.connection = connection
    this.request = request
    this.listener = listener
  }

  respond(status: number): void {
    if (this.over) return
    this.listener.response({ status, statusText: '', headers: [], body: EMPTY })
  }

  complete(): void {
    this.over = true
    this.connection.streams.delete(this)
    this.listener.complete()
    this.connection.ended()
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.connection.streams.delete(this)
    if (this.connection.target.protocol === 'http1') this.connection.close()
    else this.connection.ended()
  }
}

const EMPTY = { length: 0, read() {}, pause() {}, resume() {}, cancel() {} }

/** A connection whose fate the test decides. */
export class FakeConnection implements Connection {
  readonly target: ConnectTarget
  readonly listener: ConnectionListener
  readonly streams = new Set<FakeStream>()
  concurrency = 1
  state: 'connecting' | 'open' | 'gone' = 'connecting'
  draining = false

  constructor(target: ConnectTarget, listener: ConnectionListener) {
    this.target = target
    this.listener = listener
  }

  connect(concurrency = this.target.protocol === 'http1' ? 1 : 100): void {
    if (this.state !== 'connecting') return
    this.state = 'open'
    this.concurrency = concurrency
    this.listener.connected(this)
  }

  fail(reason: 'connection_failure' | 'connection_timeout' = 'connection_failure'): void {
    if (this.state !== 'connecting') return
    this.state = 'gone'
    this.listener.failed(this, reason, new Error(reason))
  }

  send(request: WireRequest, listener: StreamListener): Stream {
    const stream = new FakeStream(this, request, listener)
    this.streams.add(stream)
    return stream
  }

  ended(): void {
    if (this.state !== 'open') return
    if (this.draining) {
      if (this.streams.size === 0) this.close()
    } else this.listener.available(this)
  }

  /** The peer goes away, or we do. */
  close(): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    for (const stream of [...this.streams]) {
      this.streams.delete(stream)
      stream.over = true
      stream.listener.reset('connection_termination', new Error('closed'))
    }
    this.listener.closed(this)
  }

  drain(): void {
    this.draining = true
    if (this.streams.size === 0) this.close()
  }

  destroy(): void {
    this.close()
  }
}

export class FakeWire implements Transport {
  readonly connections: FakeConnection[] = []

  connect(target: ConnectTarget, listener: ConnectionListener): FakeConnection {
    const connection = new FakeConnection(target, listener)
    this.connections.push(connection)
    return connection
  }

  get open(): FakeConnection[] {
    return this.connections.filter(c => c.state !== 'gone')
  }
}
