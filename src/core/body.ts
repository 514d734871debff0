/** What every reader of a response body agrees on: how much may be read though nobody asked for it. */
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

/** Reads a body away when it is short, so that its connection can serve again; gives a longer one up. */
export function drain(source: BodySource): void {
  if (source.length !== undefined && source.length > READ_AHEAD) return source.cancel()
  let size = 0
  source.read({
    data(chunk) {
      size += chunk.byteLength
      if (size > READ_AHEAD) source.cancel()
    },
    end() {},
    error() {},
  })
}
