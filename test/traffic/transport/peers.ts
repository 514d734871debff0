/** Peers that answer byte for byte as they are told, and a client side that writes down everything it hears. */
import net from 'node:net'
import type {
  Connection,
  ConnectTarget,
  StreamListener,
  Transport,
  WireBody,
  WireRequest,
  WireResponse,
} from '../../../src/core/transport.ts'

export interface Peer {
  readonly address: string
  readonly sockets: Set<net.Socket>
  /** Connections that were made to it. */
  made: number
  close(): Promise<void>
}

/** A TCP server; `serve` is called with each socket. `allowHalfOpen`: it keeps its side of a socket that the client ends. */
export async function peer(serve: (socket: net.Socket, nth: number) => void, host = '127.0.0.1', allowHalfOpen = false): Promise<Peer> {
  const sockets = new Set<net.Socket>()
  const self: Peer = { address: '', sockets, made: 0, close }
  const server = net.createServer({ allowHalfOpen }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket, ++self.made)
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const { port } = server.address() as net.AddressInfo
  function close() {
    return new Promise<void>(resolve => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  }
  return Object.assign(self, { address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` })
}

/** Answers every request head with the given bytes. */
export const answering = (bytes: string | Buffer, then?: (socket: net.Socket) => void) => (socket: net.Socket) => {
  socket.on('data', () => {
    socket.write(bytes)
    then?.(socket)
  })
}

export const target = (address: string, more: Partial<ConnectTarget> = {}): ConnectTarget => ({
  address,
  protocol: 'http1',
  connectTimeout: 5000,
  ...more,
})

export const wire = (more: Partial<WireRequest> = {}): WireRequest => ({
  method: 'GET',
  path: '/',
  authority: 'x.test',
  scheme: 'http',
  headers: [],
  body: undefined,
  ...more,
})

export const streamed = (chunks: AsyncIterable<Uint8Array>, length?: number): WireBody => ({
  length,
  open: () => chunks[Symbol.asyncIterator](),
})

/** A connection and what was said about it. */
export class Line {
  readonly log: string[] = []
  readonly connection: Connection
  readonly #waiting: { what: string; done: () => void }[] = []

  constructor(transport: Transport, to: ConnectTarget) {
    this.connection = transport.connect(to, {
      connected: () => this.#say('connected'),
      failed: (_c, reason, error) => this.#say(`failed ${reason} ${(error as any).code ?? error.message}`),
      available: () => this.#say('available'),
      closed: () => this.#say('closed'),
    })
  }

  #say(what: string) {
    this.log.push(what)
    for (const waiter of this.#waiting.splice(0))
      if (what.startsWith(waiter.what)) waiter.done()
      else this.#waiting.push(waiter)
  }

  /** Resolves when this is said (again). */
  heard(what: string): Promise<void> {
    return new Promise(done => this.#waiting.push({ what, done }))
  }

  /** Resolves when this was said already or will be. */
  async said(what: string): Promise<this> {
    if (!this.log.some(line => line.startsWith(what))) await this.heard(what)
    return this
  }

  /** Sends a request and collects everything that follows. */
  ask(request: WireRequest = wire(), read = true): Asked {
    const asked = new Asked(read)
    asked.stream = this.connection.send(request, asked)
    return asked
  }
}

export class Asked implements StreamListener {
  readonly log: string[] = []
  readonly over: Promise<this>
  stream: any
  answer: WireResponse | undefined
  body = ''
  trailers: readonly string[] | undefined
  error: Error | undefined
  readonly #read: boolean
  #done!: (self: this) => void
  constructor(read: boolean) {
    this.#read = read
    this.over = new Promise(done => {
      this.#done = done
    })
  }
  response(response: WireResponse) {
    this.answer = response
    this.log.push(`response ${response.status}`)
    if (!this.#read) return
    response.body.read({
      data: chunk => {
        this.body += Buffer.from(chunk).toString('latin1')
      },
      end: trailers => {
        this.trailers = trailers
        this.log.push('end')
      },
      error: error => this.log.push(`error ${(error as any).code ?? error.message}`),
    })
  }
  reset(reason: string, error: Error) {
    this.error = error
    this.log.push(`reset ${reason}`)
    queueMicrotask(() => this.#done(this))
  }
  complete() {
    this.log.push('complete')
    queueMicrotask(() => this.#done(this))
  }
}
