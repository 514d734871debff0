/**
 * How a request gets its socket. Requests that begin in one turn of the event loop are written together at its end: every write wakes
 * the peer, and a peer that is woken for each of them, while we still read the answers before, costs both sides more than the turn.
 */
import type http from 'node:http'
import type net from 'node:net'

/** The part of an agent that node:http asks: it hands over the one socket that it was made with. */
export function handoff(socket: net.Socket): http.Agent {
  return {
    protocol: undefined,
    defaultPort: 80,
    keepAlive: true,
    maxSockets: Infinity,
    options: {},
    addRequest(request: http.ClientRequest) {
      request.reusedSocket = true
      if (waiting.length === 0) setImmediate(writeAll)
      waiting.push(request, socket)
    },
  } as unknown as http.Agent
}

/** Request, socket, request, socket … */
let waiting: (http.ClientRequest | net.Socket)[] = []

function writeAll(): void {
  const batch = waiting
  waiting = []
  for (let i = 0; i < batch.length; i += 2) {
    const request = batch[i] as http.ClientRequest
    const socket = batch[i + 1] as net.Socket
    // node:http would wait for the end of a socket that has ended already.
    if (socket.destroyed) request.destroy()
    else request.onSocket(socket)
  }
}
