/** A FormData as the bytes of a multipart body, which can be made as often as it is sent. */

const encoder = new TextEncoder()
const CRLF = encoder.encode('\r\n')

export interface Multipart {
  readonly type: string
  /** `undefined` when a part does not know its size. */
  readonly length: number | undefined
  open(): AsyncGenerator<Uint8Array>
}

/** FormData of the platform, or one that follows the same specification. */
export function isFormData(data: any): boolean {
  return typeof data?.append === 'function' && data[Symbol.toStringTag] === 'FormData' && typeof data[Symbol.iterator] === 'function'
}

export function multipart(
  form: Iterable<[string, any]>,
  boundary = `axios-boundary-${crypto.randomUUID().replaceAll('-', '')}`,
): Multipart {
  const open = encoder.encode(`--${boundary}\r\n`)
  const close = encoder.encode(`--${boundary}--\r\n`)
  const parts = Array.from(form, ([name, value]) => partOf(name, value))
  const size = parts.reduce((sum, part) => sum + open.byteLength + part.head.byteLength + part.size + CRLF.byteLength, close.byteLength)
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    length: Number.isFinite(size) ? size : undefined,
    async *open() {
      for (const { head, value } of parts) {
        yield open
        yield head
        if (value instanceof Uint8Array) yield value
        else yield* bytesOfBlob(value)
        yield CRLF
      }
      yield close
    },
  }
}

interface Part {
  readonly head: Uint8Array
  readonly value: any
  readonly size: number
}

function partOf(name: string, value: any): Part {
  const disposition = `Content-Disposition: form-data; name="${quoted(name)}"`
  if (typeof value === 'string') {
    const bytes = encoder.encode(value.replace(/\r\n|\r|\n/g, '\r\n'))
    return { head: encoder.encode(`${disposition}\r\n\r\n`), value: bytes, size: bytes.byteLength }
  }
  const file = value.name ? `; filename="${quoted(value.name)}"` : ''
  const type = String(value.type || 'application/octet-stream').replace(/[\r\n]/g, '')
  return { head: encoder.encode(`${disposition}${file}\r\nContent-Type: ${type}\r\n\r\n`), value, size: Number(value.size) }
}

const ESCAPED: Record<string, string> = { '\r': '%0D', '\n': '%0A', '"': '%22' }
const quoted = (text: string) => String(text).replace(/[\r\n"]/g, found => ESCAPED[found]!)

/** Blob of the platform, or what is like one. */
export const isBlob = (data: any): boolean => /^(Blob|File)$/.test(data?.[Symbol.toStringTag] ?? '') && typeof data.size === 'number'

export async function* bytesOfBlob(blob: any): AsyncGenerator<Uint8Array> {
  if (typeof blob.stream === 'function') yield* blob.stream()
  else yield new Uint8Array(await blob.arrayBuffer())
}
