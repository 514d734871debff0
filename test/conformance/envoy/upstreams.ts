/** Servers on loopback that do as a scenario's script says and remember what reached them. Each listens on a port of its own choosing. */
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Behaviour, Script, UpstreamSpec } from './scenario.ts'

export interface Arrived {
  id: string | undefined
  up: string
  /** ms of this process. */
  at: number
  method: string
  path: string
  host: string
  headers: Map<string, string[]>
  body: string
  conn: number
}

export interface Upstreams {
  readonly arrived: Arrived[]
  /** From the recorded address to the one that listens. */
  readonly connectTo: Record<string, string>
  readonly nameOf: (address: string) => string
  close(): Promise<void>
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

export async function startUpstreams(specs: Record<string, UpstreamSpec>): Promise<Upstreams> {
  const arrived: Arrived[] = []
  const connectTo: Record<string, string> = {}
  const names: Record<string, string> = {}
  const closers: (() => Promise<void> | void)[] = []
  for (const [name, spec] of Object.entries(specs)) {
    names[spec.address] = name
    const { port, close } = spec.refuse ? await closedPort() : spec.blackhole ? await blackhole() : await scripted(name, spec, arrived)
    connectTo[spec.address] = `127.0.0.1:${port}`
    closers.push(close)
  }
  return {
    arrived,
    connectTo,
    nameOf: address => names[address] ?? address,
    close: async () => {
      for (const close of closers) await close()
    },
  }
}

/** A port on which nobody listens: a connection of ours holds its number as its own side, so that nobody else gets it meanwhile. */
async function closedPort(): Promise<{ port: number; close: () => void }> {
  const server = net.createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const held = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  await new Promise(resolve => held.once('connect', resolve))
  return {
    port: held.localPort!,
    close: () => {
      held.destroy()
      server.close()
    },
  }
}

/** A socket that listens, accepts nobody and has its queue full: connecting to it hangs. */
async function blackhole(): Promise<{ port: number; close: () => Promise<void> }> {
  const worker = new Worker(
    `const server = require('node:net').createServer()
     server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
       require('node:worker_threads').parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  const port = await new Promise<number>(resolve => worker.once('message', resolve))
  const queue: net.Socket[] = []
  for (let hung = false; !hung && queue.length < 64; ) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {})
    queue.push(socket)
    await Promise.race([new Promise(resolve => socket.once('connect', resolve)), pause(150)])
    // On a busy machine the pause may be over before the event loop has seen a connection that is there.
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
    hung = socket.connecting
  }
  return {
    port,
    close: async () => {
      for (const socket of queue) socket.destroy()
      await worker.terminate()
    },
  }
}

async function scripted(name: string, spec: UpstreamSpec, arrived: Arrived[]): Promise<{ port: number; close: () => void }> {
  const counters = new Map<Script, number>()
  const next = (path: string): Behaviour => {
    const script: Script = spec.paths?.[path.split('?')[0]!] ?? spec
    const i = counters.get(script) ?? 0
    counters.set(script, i + 1)
    return script.script?.[i] ?? script.then ?? {}
  }
  const ordinals = new WeakMap<object, number>()
  let connections = 0
  const sockets = new Set<net.Socket>()

  const handle = async (req: any, res: any): Promise<void> => {
    const stream: http2.ServerHttp2Stream | undefined = req.stream
    const behaviour = next(req.url)
    const chunks: Buffer[] = []
    const note = () =>
      arrived.push({
        ...describe(req),
        up: name,
        at: performance.now(),
        body: Buffer.concat(chunks).toString('latin1'),
        conn: ordinals.get(stream?.session ?? req.socket) ?? 0,
      })
    const cut = () => {
      if (stream !== undefined) stream.close(behaviour.code ?? 8)
      else if (behaviour.rst) req.socket.resetAndDestroy()
      else req.socket.destroy()
    }
    if (behaviour.reset === 'headers') {
      note()
      return cut()
    }
    for await (const chunk of req) chunks.push(chunk)
    note()
    if (behaviour.delay) await pause(behaviour.delay)
    if (behaviour.hang) return
    if (behaviour.reset === 'before') return cut()
    if (behaviour.raw !== undefined) {
      req.socket.write(behaviour.raw)
      if (behaviour.end) req.socket.end()
      return
    }
    const status = behaviour.status ?? 200
    const headers: Record<string, string | string[]> = { 'x-up': name, ...behaviour.headers }
    const body = behaviour.body ?? name
    if (behaviour.close) headers['connection'] = 'close'
    if (behaviour.reset === 'mid') {
      res.writeHead(status, { ...headers, 'content-length': '1000' })
      res.write('partial')
      await pause(30)
      return cut()
    }
    res.writeHead(status, headers)
    if (behaviour.bodyDelay) {
      res.write('x')
      await pause(behaviour.bodyDelay)
    }
    res.end(req.method === 'HEAD' ? undefined : body)
  }
  const listener = (req: any, res: any) => {
    res.on('error', () => {})
    handle(req, res).catch(() => {})
  }
  const server: any = spec.h2
    ? http2.createServer({ settings: (spec.h2settings ?? {}) as http2.Settings }, listener)
    : http.createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, listener)
  server.on('session', (session: any) => {
    ordinals.set(session, ++connections)
    session.on('error', () => {})
  })
  server.on('sessionError', () => {})
  server.on('clientError', (_: unknown, socket: net.Socket) => socket.destroy())
  server.on('connection', (socket: net.Socket) => {
    if (!spec.h2) ordinals.set(socket, ++connections)
    socket.setNoDelay(true).on('error', () => {})
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4096, resolve))
  return {
    port: server.address().port,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function describe(req: any): Pick<Arrived, 'id' | 'method' | 'path' | 'host' | 'headers'> {
  const headers = new Map<string, string[]>()
  const add = (name: string, value: string) => {
    const known = headers.get(name)
    if (known === undefined) headers.set(name, [value])
    else known.push(value)
  }
  if (req.stream === undefined)
    for (let i = 0; i < req.rawHeaders.length; i += 2) add(req.rawHeaders[i].toLowerCase(), req.rawHeaders[i + 1])
  else
    for (const [name, value] of Object.entries<any>(req.headers))
      if (!name.startsWith(':')) for (const line of [value].flat()) add(name, String(line))
  return {
    id: req.headers['x-id'],
    method: req.method,
    path: req.url,
    host: req.headers.host ?? req.headers[':authority'],
    headers,
  }
}
