/** Upstreams that fail on purpose, each in one way, and a mesh whose rules lead to them. */
import net from 'node:net'
import zlib from 'node:zlib'
import { createMesh, type Mesh, type MeshOptions } from '../../src/index.ts'
import { oneService } from '../one-service.ts'

/** What an upstream does with a request that has arrived whole. */
export type Fault = (socket: net.Socket, request: { method: string; nth: number }) => void

const gzip = zlib.gzipSync('x'.repeat(10_000))
const head = (length: number, more = '') => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n${more}\r\n`
const fine = `${head(4)}fine`

/** name: what it does, and what a caller may be told (status and flags; `body`: the error comes while reading). Envoy gives no other. */
export const FAULTS: Record<string, { fault: Fault; told: readonly string[] }> = {
  fine: { fault: s => s.write(fine), told: ['200 '] },
  'hung before the answer': { fault: () => {}, told: ['504 UT'] },
  'hung in the headers': { fault: s => s.write('HTTP/1.1 200 OK\r\nx-a'), told: ['504 UT'] },
  'hung in the body': { fault: s => s.write(`${head(100)}half`), told: ['body UT', '504 UT'] },
  'closed before the answer': { fault: s => s.end(), told: ['503 UC'] },
  'reset before the answer': { fault: s => s.resetAndDestroy(), told: ['503 UC'] },
  'closed in the headers': { fault: s => s.end('HTTP/1.1 200 OK\r\nx-a'), told: ['502 UPE'] },
  'closed in the body': { fault: s => s.end(`${head(100)}half`), told: ['body UPE'] },
  'reset in the body': { fault: s => s.write(`${head(100)}half`, () => setTimeout(() => s.resetAndDestroy(), 5)), told: ['body UPE'] },
  garbage: { fault: s => s.write('SSH-2.0-OpenSSH\r\n\r\n'), told: ['502 UPE'] },
  'garbage in the chunks': { fault: s => s.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'), told: ['body UPE'] },
  'oversize headers': { fault: s => s.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`), told: ['502 UPE'] },
  'an unasked upgrade': { fault: s => s.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'), told: ['502 UPE'] },
  'bad gzip': { fault: s => s.write(`${head(8, 'content-encoding: gzip\r\n')}not gzip`), told: ['body '] },
  'truncated gzip': { fault: s => s.write(Buffer.concat([Buffer.from(head(gzip.length - 9, 'content-encoding: gzip\r\n')), gzip.subarray(0, gzip.length - 9)])), told: ['200 '] },
  // The connection is closed as the second request arrives on it: a loss that no client can foresee. Envoy says UC, and does not try again by itself.
  'half-closed keep-alive': { fault: (s, { nth }) => (nth === 1 ? s.write(fine) : s.end()), told: ['200 ', '503 UC'] },
} // biome-ignore format: a table

export interface Upstream {
  readonly port: number
  readonly requests: number
  close(): Promise<void>
}

/** Reads whole requests by hand, so that it can answer anything at any byte. */
export async function upstream(fault: Fault, port = 0): Promise<Upstream> {
  const sockets = new Set<net.Socket>()
  let requests = 0
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    let seen = ''
    let nth = 0
    socket.on('data', chunk => {
      seen += chunk.toString('latin1')
      for (let end = endOf(seen); end > 0; end = endOf(seen)) {
        const method = seen.slice(0, seen.indexOf(' '))
        seen = seen.slice(end)
        requests++
        fault(socket, { method, nth: ++nth })
      }
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    get requests() {
      return requests
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Where the first request in `text` ends; 0: it is not all here. */
function endOf(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const length = /content-length: (\d+)/i.exec(text.slice(0, head))
  if (length !== null) return text.length >= head + 4 + Number(length[1]) ? head + 4 + Number(length[1]) : 0
  if (!/transfer-encoding: chunked/i.test(text.slice(0, head))) return head + 4
  const last = text.indexOf('0\r\n\r\n', head)
  return last < 0 ? 0 : last + 5
}

export const rules = (ports: readonly number[], http: string, policy = '') =>
  oneService({ endpoints: ports.map(port => `127.0.0.1:${port}`), http, policy: `{ loadBalancer: { simple: ROUND_ROBIN }${policy} }` })

export const meshTo = (ports: readonly number[], http: string, policy = '', options: MeshOptions = {}): Mesh =>
  createMesh({ ...options, rules: rules(ports, http, policy) })

/** Everything that must be back at zero when nothing is going on. */
export function gauges(mesh: Mesh): Record<string, number> {
  const { stats, endpoints } = mesh.snapshot().clusters['outbound|80||s.test']!
  const { upstream_rq_active, upstream_rq_pending_active } = stats as Record<string, number>
  return {
    upstream_rq_active: upstream_rq_active!,
    upstream_rq_pending_active: upstream_rq_pending_active!,
    active: endpoints.reduce((sum, e) => sum + e.active, 0),
  }
}

/** Waits, turn by turn, until something holds; gives up after a few seconds so that a hang is seen as one. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 5000
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never came: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** A signal that counts who listens. */
export function watched(controller = new AbortController()): { controller: AbortController; listeners(): number } {
  const { signal } = controller
  let count = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: any[]) => {
    count++
    ;(add as any)(...args)
  }
  signal.removeEventListener = (...args: any[]) => {
    count--
    ;(remove as any)(...args)
  }
  return { controller, listeners: () => count }
}
