/** A peer that speaks HTTP/2 frame by frame, so that a test decides what is sent and in which order, right or wrong. */
import type net from 'node:net'
import { type Peer, peer } from './peers.ts'

export const FRAME = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8 } as const
const PREFACE = 24
const END_STREAM = 1
const END_HEADERS = 4
const ACK = 1

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export class Http2Peer {
  readonly socket: net.Socket
  /** Requests in the order of their arrival. */
  readonly streams: number[] = []
  #data = Buffer.alloc(0)
  #prefaceSeen = false

  constructor(socket: net.Socket, onFrame: (frame: Frame, from: Http2Peer) => void) {
    this.socket = socket
    socket.on('data', chunk => {
      this.#data = Buffer.concat([this.#data, chunk])
      if (!this.#prefaceSeen && this.#data.length >= PREFACE) {
        this.#prefaceSeen = true
        this.#data = this.#data.subarray(PREFACE)
      }
      for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
        if (frame.type === FRAME.SETTINGS && (frame.flags & ACK) === 0) this.write(FRAME.SETTINGS, ACK, 0)
        if (frame.type === FRAME.HEADERS) this.streams.push(frame.stream)
        onFrame(frame, this)
      }
    })
  }

  #next(): Frame | undefined {
    if (!this.#prefaceSeen || this.#data.length < 9) return undefined
    const length = this.#data.readUIntBE(0, 3)
    if (this.#data.length < 9 + length) return undefined
    const frame = {
      type: this.#data[3]!,
      flags: this.#data[4]!,
      stream: this.#data.readUInt32BE(5),
      payload: this.#data.subarray(9, 9 + length),
    }
    this.#data = this.#data.subarray(9 + length)
    return frame
  }

  write(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): this {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    this.socket.write(Buffer.concat([head, payload]))
    return this
  }

  /** Frames that reach the client in one piece. */
  together(write: () => void): this {
    this.socket.cork()
    write()
    this.socket.uncork()
    return this
  }

  settings(values: { readonly [id: number]: number } = {}): this {
    const payload = Buffer.concat(
      Object.entries(values).map(([id, value]) => {
        const entry = Buffer.alloc(6)
        entry.writeUInt16BE(Number(id))
        entry.writeUInt32BE(value, 2)
        return entry
      }),
    )
    return this.write(FRAME.SETTINGS, 0, 0, payload)
  }

  /** `:status: 200` and the given header lines; `end` when nothing follows. */
  headers(stream: number, end = false, lines: readonly (readonly [string, string])[] = []): this {
    const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])
    const block = Buffer.concat([
      Buffer.from([0x88]),
      ...lines.map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)])),
    ])
    return this.write(FRAME.HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, block)
  }

  data(stream: number, text: string, end = false): this {
    return this.write(FRAME.DATA, end ? END_STREAM : 0, stream, Buffer.from(text))
  }

  answer(stream: number, text = 'ok'): this {
    return this.together(() => this.headers(stream).data(stream, text, true))
  }

  reset(stream: number, code: number): this {
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(code)
    return this.write(FRAME.RST_STREAM, 0, stream, payload)
  }

  goaway(code: number, last: number): this {
    const payload = Buffer.alloc(8)
    payload.writeUInt32BE(last)
    payload.writeUInt32BE(code, 4)
    return this.write(FRAME.GOAWAY, 0, 0, payload)
  }
}

export interface Http2Peers extends Peer {
  /** One for each connection. */
  readonly all: Http2Peer[]
}

/** A server; `onRequest` is called with each request's stream, `onFrame` with every frame. */
export async function http2Peer(
  onRequest: (stream: number, from: Http2Peer, nth: number) => void,
  { settings = {}, onFrame }: { settings?: { [id: number]: number }; onFrame?: (frame: Frame, from: Http2Peer) => void } = {},
): Promise<Http2Peers> {
  const all: Http2Peer[] = []
  let nth = 0
  const server = await peer(
    socket => {
      const one = new Http2Peer(socket, (frame, from) => {
        onFrame?.(frame, from)
        if (frame.type === FRAME.HEADERS) onRequest(frame.stream, from, ++nth)
      })
      all.push(one)
      one.settings(settings)
    },
    '127.0.0.1',
    true,
  )
  return Object.assign(server, { all })
}
