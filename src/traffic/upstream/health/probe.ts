/** Asks one host how it is, over a connection of its own that no request shares and no limit counts. */
import type { Clock, Timer } from '../../../base/time/clock.ts'
import type {
  Connection,
  ConnectionListener,
  ConnectTarget,
  Stream,
  StreamListener,
  Transport,
  WireResponse,
} from '../../../core/transport.ts'
import type { CheckResult } from './kernel.ts'
import { type HealthSettings, within } from './settings.ts'

export class Probe implements ConnectionListener, StreamListener {
  readonly #transport: Transport
  readonly #target: () => ConnectTarget
  readonly #clock: Clock
  #settings: HealthSettings
  #connection: Connection | undefined
  #stream: Stream | undefined
  #idle = false
  #timer: Timer | undefined
  #done: ((result: CheckResult) => void) | undefined

  constructor(transport: Transport, target: () => ConnectTarget, clock: Clock, settings: HealthSettings) {
    this.#transport = transport
    this.#target = target
    this.#clock = clock
    this.#settings = settings
  }

  update(settings: HealthSettings): void {
    this.#settings = settings
  }

  /** Asks once; `done` is called once, unless `close` comes first. Not while a question is open. */
  ask(done: (result: CheckResult) => void): void {
    this.#done = done
    this.#timer = this.#clock.schedule(this.#settings.timeout, () => {
      this.#drop()
      this.#end('no-answer')
    })
    if (this.#connection !== undefined && this.#idle) return this.#send()
    this.#drop()
    this.#connection = this.#transport.connect({ ...this.#target(), background: true }, this)
  }

  close(): void {
    this.#done = undefined
    this.#timer?.cancel()
    this.#drop()
  }

  #end(result: CheckResult): void {
    const done = this.#done
    this.#done = undefined
    this.#timer?.cancel()
    if (!this.#settings.reuseConnection) this.#drop()
    done?.(result)
  }

  #drop(): void {
    const connection = this.#connection
    const stream = this.#stream
    this.#connection = this.#stream = undefined
    this.#idle = false
    stream?.cancel()
    connection?.destroy()
  }

  #send(): void {
    this.#idle = false
    const { method, path, authority, headers } = this.#settings.http!
    const scheme = this.#target().tls === undefined ? 'http' : 'https'
    this.#stream = this.#connection!.send({ method, path, authority, scheme, headers: [...headers], body: undefined }, this)
  }

  // What the connection says. Word of one that was given up is ignored.

  connected(connection: Connection): void {
    if (connection !== this.#connection) return
    if (this.#settings.http !== undefined) return this.#send()
    this.#drop()
    this.#end('passed')
  }

  failed(connection: Connection): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#end('no-answer')
  }

  available(connection: Connection): void {
    // An HTTP/2 connection says this of its settings as well, while a question is open: the end of that one would be taken for the next one's.
    if (connection === this.#connection && this.#stream === undefined) this.#idle = true
  }

  closed(connection: Connection): void {
    if (connection !== this.#connection) return
    this.#connection = this.#stream = undefined
    this.#idle = false
    this.#end('no-answer')
  }

  // What the stream says.

  response({ status, body }: WireResponse): void {
    body.read({ data() {}, end() {}, error() {} })
    const { expected, retriable } = this.#settings.http!
    this.#end(within(expected, status) ? 'passed' : within(retriable, status) ? 'no-answer' : 'refused')
  }

  reset(): void {
    this.#drop()
    this.#end('no-answer')
  }

  complete(): void {
    this.#stream = undefined
  }
}
