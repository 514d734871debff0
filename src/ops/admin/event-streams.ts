/**
 * Clients that follow events (text/event-stream). Each costs a socket and what it has not read
 * yet, so both are bounded: a client beyond the bound is refused, one that does not read is cut.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/time/clock.ts'
import { contained } from './contained.ts'
import type { EventStream } from './reply.ts'

/** How often a client is told that the stream is alive, ms. */
const HEARTBEAT = 15_000

export interface StreamLimits {
  /** Clients at once. */
  readonly clients: number
  /** Bytes that may wait for a client that reads slowly. */
  readonly pendingBytes: number
}

export const STREAM_LIMITS: StreamLimits = { clients: 32, pendingBytes: 262_144 }

/** How many clients there are, and how many were cut because they did not read. */
export interface StreamCounts {
  readonly open: number
  readonly dropped: number
}

export class EventStreams {
  readonly #clock: Clock
  readonly #limits: StreamLimits
  /** By socket: an event stream never ends, so a connection carries one at most. */
  readonly #open = new Map<Socket, Follower>()
  #dropped = 0

  constructor(clock: Clock, limits: StreamLimits = STREAM_LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  get counts(): StreamCounts {
    return { open: this.#open.size, dropped: this.#dropped }
  }

  get isFull(): boolean {
    return this.#open.size >= this.#limits.clients
  }

  /** Whether this connection carries a stream, behind which nothing can be answered. */
  has(socket: Socket): boolean {
    return this.#open.has(socket)
  }

  follow({ socket }: IncomingMessage, response: ServerResponse, stream: EventStream): void {
    const follower = new Follower(response, this.#clock, this.#limits.pendingBytes, slow => {
      if (slow) this.#dropped++
      this.#open.delete(socket)
    })
    this.#open.set(socket, follower)
    // A response that waits behind others never hears that its socket has closed.
    socket.once(
      'close',
      contained(() => follower.end(false), ignore),
    )
    follower.start(stream)
  }

  close(): void {
    for (const follower of this.#open.values()) follower.end(false)
  }
}

function ignore(): void {}

class Follower {
  readonly #response: ServerResponse
  readonly #clock: Clock
  readonly #pendingBytes: number
  readonly #ended: (slow: boolean) => void
  #unsubscribe: (() => void) | undefined
  #heartbeat: Timer | undefined
  #isOpen = true

  constructor(response: ServerResponse, clock: Clock, pendingBytes: number, ended: (slow: boolean) => void) {
    this.#response = response
    this.#clock = clock
    this.#pendingBytes = pendingBytes
    this.#ended = ended
  }

  start(stream: EventStream): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    const send = contained(
      (event: string, data: unknown) => this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      () => this.end(false),
    )
    this.#unsubscribe = stream(send)
    if (this.#isOpen) this.#schedule()
    else this.#unsubscribe()
  }

  #schedule(): void {
    const beat = contained(
      () => {
        this.#write(': alive\n\n')
        if (this.#isOpen) this.#schedule()
      },
      () => this.end(false),
    )
    this.#heartbeat = this.#clock.schedule(HEARTBEAT, beat)
  }

  #write(text: string): void {
    if (!this.#isOpen) return
    if (this.#response.writableLength + text.length > this.#pendingBytes) return this.end(true)
    this.#response.write(text)
  }

  /** `slow`: because the client did not read. */
  end(slow: boolean): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#unsubscribe?.()
    this.#heartbeat?.cancel()
    this.#ended(slow)
    // What waits for the client would be held for as long as it keeps the connection open.
    this.#response.destroy()
  }
}
