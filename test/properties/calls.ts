/** What the fuzz tests of calls share: peers on loopback, calls that must settle, gauges that must come back, and nothing thrown beside them. */
import net from 'node:net'
import type { Mesh } from '../../src/index.ts'

export interface LoopbackPeer {
  readonly port: number
  readonly sockets: ReadonlySet<net.Socket>
  close(): Promise<void>
}

export async function loopbackPeer(serve: (socket: net.Socket) => void): Promise<LoopbackPeer> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    sockets,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const PATIENCE = 15_000

/** Waits, turn by turn, until something holds. What does not come about within the patience of a test is an error that says what. */
export async function until(holds: () => boolean, what: () => string): Promise<void> {
  const end = performance.now() + PATIENCE
  for (let turns = 0; !holds(); turns++) {
    if (performance.now() > end) throw new Error(`never came: ${what()}`)
    if (turns < 50) await turn()
    else await new Promise(resolve => setTimeout(resolve, 1))
  }
}

/** What runs of a mesh's requests and connections. */
export function gauges(mesh: Mesh): { requests: number; pending: number; active: number; connections: number } {
  const sum = { requests: 0, pending: 0, active: 0, connections: 0 }
  for (const { stats, endpoints } of Object.values(mesh.snapshot().clusters)) {
    const { upstream_rq_active, upstream_rq_pending_active, upstream_cx_active } = stats as Record<string, number>
    sum.requests += upstream_rq_active!
    sum.pending += upstream_rq_pending_active!
    sum.connections += upstream_cx_active!
    for (const endpoint of endpoints) sum.active += endpoint.active
  }
  return sum
}

export async function untilNothingRuns(mesh: Mesh): Promise<void> {
  const runs = () => {
    const { requests, pending, active } = gauges(mesh)
    return requests + pending + active
  }
  await until(
    () => runs() === 0,
    () => `the end of every request; ${JSON.stringify(gauges(mesh))}`,
  )
}

/** Collects what nobody caught, while `run` runs; the first of it fails the test. */
export async function nothingUncaught(run: () => Promise<void>): Promise<void> {
  const uncaught: unknown[] = []
  const listener = (error: unknown) => uncaught.push(error)
  process.on('unhandledRejection', listener)
  process.on('uncaughtException', listener)
  try {
    await run()
    await turn()
  } finally {
    process.off('unhandledRejection', listener)
    process.off('uncaughtException', listener)
  }
  if (uncaught.length > 0) throw uncaught[0]
}
