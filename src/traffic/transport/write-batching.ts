/**
 * What is done together at the end of a turn of the event loop: first the responses that came are delivered, then the requests that
 * follow from them are written. Every write wakes the peer, and a peer that is woken for each of them, while we still read the responses
 * before, costs both sides more than the turn; and to deliver several responses, then go on with several calls, costs less than to do
 * each in turn.
 */

import { runInNextTurn } from '../../base/time/event-loop.ts'

/** A response that has come. */
export interface Deliverable {
  deliver(): void
}

/** A request that has its connection. */
export interface Writable {
  /** Turns of the event loop until it is written. */
  dueIn: number
  /** There is nothing more to wait for: its connection is gone. */
  readonly isLost: boolean
  write(): void
}

/** Delivers a response together with the others of this turn. */
export function deliverLater(response: Deliverable): void {
  if (responses.length === 0) runInNextTurn(deliverAll)
  responses.push(response)
  schedule()
}

let responses: Deliverable[] = []

function deliverAll(): void {
  const batch = responses
  responses = []
  let delivered = 0
  try {
    while (delivered < batch.length) batch[delivered++]!.deliver()
  } finally {
    // Something threw: the others are delivered nevertheless.
    for (; delivered < batch.length; delivered++) deliverLater(batch[delivered]!)
  }
}

let turn = 0
let waiting: Writable[] = []
let scheduled = false

/** The number of this turn. It ends when its requests are written. */
export function currentTurn(): number {
  schedule()
  return turn
}

/** Writes a request together with the others of this turn, or of one of the next `turns`: as often the event loop looks at its socket before. */
export function writeLater(request: Writable, turns = 0): void {
  request.dueIn = turns
  waiting.push(request)
  schedule()
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  runInNextTurn(writeAll)
}

function writeAll(): void {
  const batch = waiting
  waiting = []
  scheduled = false
  turn++
  let written = 0
  try {
    while (written < batch.length) {
      const request = batch[written++]!
      if (request.dueIn === 0 || request.isLost) request.write()
      else writeLater(request, request.dueIn - 1)
    }
  } finally {
    for (; written < batch.length; written++) writeLater(batch[written]!)
  }
}
