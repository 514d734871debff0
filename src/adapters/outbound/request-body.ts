/** Request bodies: what is at hand becomes bytes that can be sent again; a stream is sent once. */
import type { WireBody } from '../../core/transport.ts'

const encoder = new TextEncoder()

/** The body and the content type it implies. Throws a `TypeError` for a stream without `duplex`. */
export async function bodyOf(given: unknown, duplex: unknown): Promise<{ body: WireBody; type: string | undefined }> {
  if (typeof given === 'string') return { body: bytes(encoder.encode(given)), type: 'text/plain;charset=UTF-8' }
  if (given instanceof ArrayBuffer) return { body: bytes(new Uint8Array(given.slice(0))), type: undefined }
  if (ArrayBuffer.isView(given))
    return {
      body: bytes(new Uint8Array(given.buffer.slice(given.byteOffset, given.byteOffset + given.byteLength) as ArrayBuffer)),
      type: undefined,
    }
  if (given instanceof URLSearchParams)
    return { body: bytes(encoder.encode(given.toString())), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  if (given instanceof FormData) {
    const made = new Response(given)
    return { body: bytes(new Uint8Array(await made.arrayBuffer())), type: made.headers.get('content-type') ?? undefined }
  }
  if (given instanceof Blob)
    return { body: bytes(new Uint8Array(await given.arrayBuffer())), type: given.type === '' ? undefined : given.type }
  if (typeof (given as any)?.[Symbol.asyncIterator] === 'function' || given instanceof ReadableStream) {
    if (duplex !== 'half') throw new TypeError('RequestInit: duplex option is required when sending a body.')
    let opened = false
    return {
      body: {
        length: undefined,
        open() {
          if (opened) return undefined
          opened = true
          return chunks(given as AsyncIterable<unknown>)
        },
      },
      type: undefined,
    }
  }
  return { body: bytes(encoder.encode(String(given))), type: 'text/plain;charset=UTF-8' }
}

const bytes = (all: Uint8Array): WireBody => ({ bytes: all, length: all.byteLength })

async function* chunks(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (typeof chunk === 'string') yield encoder.encode(chunk)
    else if (chunk instanceof Uint8Array) yield chunk
    else throw new TypeError('Received non-Uint8Array chunk')
  }
}
