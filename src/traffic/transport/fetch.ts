/** The transport of browsers and edge runtimes: global fetch. It governs requests; connections are the runtime's own. */
import type { Connection, ConnectionListener, ConnectTarget, Stream, StreamListener, Transport, WireRequest } from '../../core/transport.ts'

/** What rules ask for and this transport cannot do. */
export const limitations = [
  'endpoint choice under https',
  'the Host header',
  'limits on connections',
  'connect timeouts',
  'TLS settings',
] as const

export function createTransport(): Transport {
  return {
    connect: (target: ConnectTarget, listener: ConnectionListener) => new FetchConnection(target, listener),
  }
}

class FetchConnection implements Connection {
  readonly concurrency = 1
  readonly #origin: string
  readonly #listener: ConnectionListener
  #gone = false

  constructor(target: ConnectTarget, listener: ConnectionListener) {
    this.#origin = `${target.tls === undefined ? 'http' : 'https'}://${target.address}`
    this.#listener = listener
    queueMicrotask(() => {
      if (!this.#gone) listener.connected(this)
    })
  }

  send(request: WireRequest, listener: StreamListener): Stream {
    const controller = new AbortController()
    const headers: [string, string][] = []
    for (let i = 0; i < request.headers.length; i += 2) headers.push([request.headers[i]!, request.headers[i + 1]!])
    const { body } = request
    let over = false
    const done = () => {
      if (!this.#gone) this.#listener.available(this)
    }
    const init: RequestInit = {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: controller.signal,
      ...(body?.bytes === undefined ? {} : { body: body.bytes as BodyInit }),
    }
    fetch(`${this.#origin}${request.path}`, init).then(
      response => {
        if (over) return
        const flat: string[] = []
        for (const [name, value] of response.headers) if (name !== 'content-encoding' && name !== 'content-length') flat.push(name, value)
        const finish = () => {
          if (over) return
          over = true
          listener.complete()
          done()
        }
        listener.response({
          status: response.status,
          statusText: response.statusText,
          headers: flat,
          body: {
            length: undefined,
            read: reader =>
              void response.arrayBuffer().then(
                buffer => {
                  reader.data(new Uint8Array(buffer))
                  finish()
                  reader.end()
                },
                error => {
                  if (over) return
                  over = true
                  listener.reset('protocol_error', error)
                  reader.error(error)
                  done()
                },
              ),
            pause() {},
            resume() {},
            cancel: () => {
              controller.abort()
              finish()
            },
          },
        })
      },
      error => {
        if (over) return
        over = true
        listener.reset('connection_termination', error)
        done()
      },
    )
    return {
      cancel: () => {
        over = true
        controller.abort()
        done()
      },
    }
  }

  drain(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#gone) return
    this.#gone = true
    queueMicrotask(() => this.#listener.closed(this))
  }
}
