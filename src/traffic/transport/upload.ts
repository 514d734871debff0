/** Sends a streamed request body at the pace at which the peer takes it. */

import type { Writable } from 'node:stream'
import { stopReading } from '../../core/body.ts'
import { errorOf } from '../../core/error-kinds.ts'
import type { WireBody } from '../../core/transport.ts'

/** Writes the body until it ends, the exchange is `over`, or it breaks (`failed` is told). What was not read to its end is told so. */
export async function upload(
  body: WireBody,
  to: Writable,
  exchange: { readonly over: boolean },
  failed: (error: Error) => void,
): Promise<void> {
  const closed = () => to.destroyed || exchange.over
  let chunks: AsyncIterator<Uint8Array> | undefined
  try {
    chunks = body.open?.()
    if (chunks === undefined) throw new TypeError('the request body was read already')
    let sent = 0
    for (;;) {
      const { done, value } = await chunks.next()
      if (done === true) break
      if (closed()) return
      sent += value.byteLength
      if (body.length !== undefined && sent > body.length) throw mismatch()
      if (value.byteLength > 0 && !to.write(value)) await drained(to)
      if (closed()) return
    }
    if (body.length !== undefined && sent < body.length) throw mismatch()
    if (!closed()) to.end()
  } catch (error) {
    failed(errorOf(error))
  } finally {
    if (closed() && chunks !== undefined) stopReading(chunks)
  }
}

/** Resolves when more may be written, or nothing may any more. */
function drained(to: Writable): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      to.off('drain', done)
      to.off('close', done)
      resolve()
    }
    to.on('drain', done)
    to.on('close', done)
  })
}

const mismatch = () =>
  Object.assign(new Error('Request body length does not match content-length header'), {
    name: 'RequestContentLengthMismatchError',
    code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  })
