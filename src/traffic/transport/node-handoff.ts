/**
 * What is done together at the end of a turn of the event loop: first what came is told, then what was asked because of it is written.
 * Every write wakes the peer, and a peer that is woken for each of them, while we still read the answers before, costs both sides more
 * than the turn; and to read several answers, then go on with several calls, costs less than to do each in turn.
 */
import type http from 'node:http'
import type net from 'node:net'
import { runInNextTurn } from '../../base/time/event-loop.ts'

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
      writeLater()
      waiting.push(request, socket)
    },
  } as unknown as http.Agent
}

/** An answer that has come. */
export interface Told {
  /** Tells it. */
  tell(): void
}

/** Tells an answer together with the others of this turn. */
export function tellLater(answer: Told): void {
  if (answers.length === 0) runInNextTurn(tellAll)
  answers.push(answer)
  writeLater()
}

let answers: Told[] = []

function tellAll(): void {
  const batch = answers
  answers = []
  let told = 0
  try {
    while (told < batch.length) batch[told++]!.tell()
  } finally {
    // Something threw: the others are told nevertheless.
    for (; told < batch.length; told++) tellLater(batch[told]!)
  }
}

/** Request, socket, request, socket … */
let waiting: (http.ClientRequest | net.Socket)[] = []
let writing = false

function writeLater(): void {
  if (writing) return
  writing = true
  runInNextTurn(writeAll)
}

function writeAll(): void {
  const batch = waiting
  waiting = []
  writing = false
  for (let i = 0; i < batch.length; i += 2) {
    const request = batch[i] as http.ClientRequest
    const socket = batch[i + 1] as net.Socket
    // node:http would wait for the end of a socket that has ended already.
    if (socket.destroyed) request.destroy()
    else request.onSocket(socket)
  }
}
