/**
 * Carries the admin API over HTTP on the loopback. Whatever arrives is answered or cut: everything
 * that Node calls runs contained, since what it threw would end the process. It keeps no process alive.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock } from '../../base/time/clock.ts'
import { report } from '../../core/events.ts'
import type { AdminServer } from '../../mesh/admin-options.ts'
import { contained } from './contained.ts'
import { EventStreams, type StreamCounts } from './event-streams.ts'
import { AdminError, type AdminReply, failure } from './reply.ts'
import type { IncomingRequest } from './request.ts'

const HOST = '127.0.0.1'
/** Connections at once; each may hold a body. */
const MAX_CONNECTIONS = 256
/** How long the head of a request, a whole request, and a reply that nobody reads may take, ms. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 }
const IDLE_TIMEOUT = 60_000

export interface ServerOptions {
  readonly port: number
  readonly clock: Clock
}

/** What answers: the API, told how many clients follow its events. */
export type Answer = (request: IncomingRequest, streams: StreamCounts) => Promise<AdminReply>

export async function serve(answer: Answer, { port, clock }: ServerOptions): Promise<AdminServer> {
  const streams = new EventStreams(clock)
  const server = http.createServer(
    TIMEOUTS,
    contained(
      (message: IncomingMessage, response: ServerResponse) => handle(message, response, answer, streams),
      (error, _, response) => cut(response, error),
    ),
  )
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = IDLE_TIMEOUT
  server.on('connection', (socket: Socket) => socket.unref())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, () => {
      server.off('error', reject)
      // A connection that cannot be accepted (too many open files) is an event of its own.
      server.on('error', report)
      resolve()
    })
  })
  server.unref()
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://${HOST}:${bound}`,
    port: bound,
    close: () =>
      new Promise(resolve => {
        streams.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function handle(message: IncomingMessage, response: ServerResponse, answer: Answer, streams: EventStreams): Promise<void> {
  const ignore = (): void => {}
  message.on('error', ignore)
  response.on('error', ignore)
  if (streams.has(message.socket)) return void message.socket.destroy()
  const reply = await answer(incoming(message), streams.counts)
  if (response.destroyed) return
  const isHead = message.method === 'HEAD'
  if (reply.stream === undefined || isHead) return send(response, reply, isHead)
  if (streams.isFull) {
    const error = new AdminError(503, 'too-many-readers', 'too many clients follow events')
    return send(response, failure(error), false)
  }
  streams.follow(message, response, reply.stream)
}

function incoming(message: IncomingMessage): IncomingRequest {
  return {
    method: message.method ?? '',
    target: message.url ?? '',
    header: name => {
      const value = message.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    read: limit => read(message, limit),
    from: message.socket.remoteAddress ?? '',
  }
}

/** Reads a body. One that is too long is not read on, and what still comes is thrown away. */
function read(message: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const collect = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= limit) return void chunks.push(chunk)
      message.off('data', collect)
      message.resume()
      chunks.length = 0
      reject(new AdminError(413, 'body-too-large', `the body has more than ${limit} bytes`))
    }
    const broken = (): void => reject(new AdminError(400, 'broken-body', 'the connection closed before the body had ended'))
    message.on('data', collect)
    message.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    message.once('error', broken)
    message.once('close', broken)
  })
}

function send(response: ServerResponse, { status, headers, body }: AdminReply, bodiless: boolean): void {
  const text = body === undefined ? '' : `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(bodiless ? undefined : text)
}

/** Nothing sensible can be said any more: the request ends with its connection. */
function cut(response: ServerResponse, error: unknown): void {
  report(error)
  response.destroy()
}
