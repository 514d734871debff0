/** Content codings as fetch decodes them: gzip, deflate (with or without zlib's frame), br, up to five on top of each other. Unknown ones stay as they are. */

type Whole = (bytes: Uint8Array) => Promise<Uint8Array>

export interface Decoder extends Whole {
  stream(from: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
}

const MOST = 5

/** The decoder for a content-encoding header; `undefined`: nothing to decode. Throws a `TypeError` for more codings than anybody needs. */
export function decoderOf(header: string | undefined): Decoder | undefined {
  if (header === undefined || header === '') return undefined
  const codings = header
    .toLowerCase()
    .split(',')
    .map(c => c.trim())
    .filter(c => c !== 'identity')
    .reverse()
  if (codings.length > MOST) throw new TypeError(`too many content-encodings in response: ${codings.length}, maximum allowed is ${MOST}`)
  if (codings.length === 0 || codings.some(c => !['gzip', 'x-gzip', 'deflate', 'br'].includes(c))) return undefined
  const zlib = globalThis.process?.getBuiltinModule?.('node:zlib')
  const stream = globalThis.process?.getBuiltinModule?.('node:stream')
  if (zlib === undefined || stream === undefined) return undefined
  const make = (coding: string, first: number) => {
    const lenient = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH }
    if (coding === 'br')
      return zlib.createBrotliDecompress({
        flush: zlib.constants.BROTLI_OPERATION_FLUSH,
        finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
      })
    if (coding === 'deflate') return (first & 0x0f) === 8 ? zlib.createInflate(lenient) : zlib.createInflateRaw(lenient)
    return zlib.createGunzip(lenient)
  }
  const one = (coding: string, bytes: Uint8Array): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      if (bytes.byteLength === 0) return resolve(bytes)
      const transform = make(coding, bytes[0]!)
      const chunks: Uint8Array[] = []
      transform.on('data', (chunk: Uint8Array) => chunks.push(chunk))
      transform.on('end', () => resolve(Buffer.concat(chunks)))
      transform.on('error', error => reject(new TypeError('terminated', { cause: error })))
      transform.end(bytes)
    })
  const whole: Whole = async bytes => {
    let result = bytes
    for (const coding of codings) result = await one(coding, result)
    return result
  }
  return Object.assign(whole, {
    stream(from: ReadableStream<Uint8Array>) {
      let readable: any = stream.Readable.fromWeb(from as any)
      for (const coding of codings) {
        const transform = make(coding, 8)
        stream.pipeline(readable, transform, () => {})
        readable = transform
      }
      return stream.Readable.toWeb(readable) as unknown as ReadableStream<Uint8Array>
    },
  })
}
