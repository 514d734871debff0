/** What every reader of a response body agrees on: how much may be read though nobody asked for it. */
import { type Clock, systemClock, type Timer } from '../base/time/clock.ts'
import type { BodySource } from './transport.ts'

/** Bytes of a body that are read ahead of its reader; a body no longer than this never holds its connection. */
export const READ_AHEAD = 65_536

/** Reports to the source of a request body that nobody reads on. Whatever it does then: the source is the caller's own code. */
export function stopReading(chunks: AsyncIterator<unknown>): void {
  try {
    Promise.resolve(chunks.return?.()).then(undefined, ignore)
  } catch {
    // It was to stop, and it has.
  }
}

const ignore = () => {}

/** What becomes of bodies that nobody reads. */
export interface BodyCare {
  readonly clock: Clock
  /** ms after which a body that nobody has begun to read gives its connection back. */
  readonly abandonedBodyTimeout: number
}

export const defaultCare: BodyCare = { clock: systemClock, abandonedBodyTimeout: 30_000 }

/**
 * Reads a body away, so that its connection can serve again; gives up one that is longer than `max` bytes, or still comes when the time
 * for abandoned bodies has passed.
 */
export function drain(source: BodySource, { clock, abandonedBodyTimeout }: BodyCare, max = READ_AHEAD): void {
  if (source.length !== undefined && source.length > max) return source.cancel()
  let size = 0
  let over = false
  let timer: Timer | undefined
  const end = () => {
    over = true
    timer?.cancel()
  }
  const giveUp = () => {
    if (over) return
    end()
    source.cancel()
  }
  source.read({
    data(chunk) {
      size += chunk.byteLength
      if (size > max) giveUp()
    },
    end,
    error: end,
  })
  if (!over) timer = clock.schedule(abandonedBodyTimeout, giveUp)
}
