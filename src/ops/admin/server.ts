/** Carries the admin API over HTTP on the loopback. It keeps no process alive. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../base/time/clock.ts'
import type { AdminServer } from '../../mesh/admin-options.ts'
import { AdminError, type AdminReply, type AdminRequest, failure } from './reply.ts'

const HOST = '127.0.0.1'
/** How often an event stream says that it is alive, ms. */
const HEARTBEAT = 15_000
/** Readers of events at once, and bytes that may wait for a slow one. */
const MOST_READERS = 32
const MOST_WAITING = 1_048_576

export interface Serving {
  readonly port: number
  readonly maxBodyBytes: number
  readonly clock: Clock
}

export async function serve(
  api: (request: AdminRequest) => Promise<AdminReply>,
  { port, maxBodyBytes, clock }: Serving,
): Promise<AdminServer> {
  const streams = new Set<() => void>()
  const server = http.createServer(async (message, response) => {
    const read = await bodyOf(message, maxBodyBytes)
    const reply = typeof read === 'string' ? await api(requestOf(message, read)) : failure(read)
    if (reply.stream === undefined) return answer(response, reply, message.method === 'HEAD')
    if (streams.size >= MOST_READERS)
      return answer(response, failure(new AdminError(503, 'too-many-readers', 'too many read events')), false)
    follow(response, reply.stream, clock, streams)
  })
  server.on('connection', socket => socket.unref())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, resolve)
  })
  server.unref()
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://${HOST}:${bound}`,
    port: bound,
    close: () =>
      new Promise(resolve => {
        for (const stop of streams) stop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function requestOf(message: IncomingMessage, body: string): AdminRequest {
  const url = new URL(message.url ?? '/', 'http://localhost')
  return {
    method: message.method ?? 'GET',
    segments: url.pathname.split('/').filter(Boolean).map(decode),
    query: url.searchParams,
    header: name => {
      const value = message.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    body,
    from: message.socket.remoteAddress ?? '',
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

async function bodyOf(message: IncomingMessage, most: number): Promise<string | AdminError> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of message) {
      size += chunk.length
      if (size > most)
        return new AdminError(413, 'body-too-large', `the body has more than ${most} bytes`, { headers: { connection: 'close' } })
      chunks.push(chunk)
    }
  } catch (error) {
    return new AdminError(400, 'broken-body', (error as Error).message)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function answer(response: ServerResponse, { status, headers, body }: AdminReply, bodiless: boolean): void {
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

function follow(response: ServerResponse, stream: NonNullable<AdminReply['stream']>, clock: Clock, streams: Set<() => void>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  const write = (text: string) => {
    if (response.writableLength > MOST_WAITING) return end()
    response.write(text)
  }
  const stop = stream((event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
  let beat = clock.schedule(HEARTBEAT, alive)
  function alive(): void {
    write(': alive\n\n')
    beat = clock.schedule(HEARTBEAT, alive)
  }
  function end(): void {
    if (!streams.delete(end)) return
    stop()
    beat.cancel()
    response.end()
  }
  streams.add(end)
  response.on('close', end)
}
