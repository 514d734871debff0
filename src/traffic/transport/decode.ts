/** Content codings as fetch decodes them: gzip, deflate (with or without zlib's frame), br, zstd where the runtime has it, up to five on top of each other. */

/** Turns a body back into what it was before it was coded. */
export interface Decoder {
  /** All of it at once. A body that was cut short gives what there is. */
  whole(bytes: Uint8Array): Promise<Uint8Array>
  /** Piece by piece. */
  stream(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
}

const MOST = 5

/** The decoder for a content-encoding header. `undefined`: nothing to decode, or a coding that nobody knows: the bytes stay as they are. Throws for more codings than anybody needs. */
export function decoderOf(header: string | undefined): Decoder | undefined {
  if (header === undefined || header === '') return undefined
  const codings = header.toLowerCase().split(',')
  if (codings.length > MOST) throw new Error(`too many content-encodings in response: ${codings.length}, maximum allowed is ${MOST}`)
  const zlib = globalThis.process?.getBuiltinModule?.('node:zlib')
  const node = globalThis.process?.getBuiltinModule?.('node:stream')
  if (zlib === undefined || node === undefined) return undefined
  const steps: Step[] = []
  for (const coding of codings.reverse()) {
    const step = stepOf(coding.trim(), zlib, node)
    if (step === undefined) return undefined
    steps.push(step)
  }
  return {
    async whole(bytes) {
      let result = bytes
      for (const step of steps) result = await inflate(step, result)
      return result
    },
    stream(chunks) {
      const source = new Watched(chunks)
      let readable: any = node.Readable.from(source, { objectMode: false })
      for (const step of steps) readable = node.pipeline(readable, step.transform(), ignore)
      return told(readable, source)
    },
  }
}

interface Step {
  once(bytes: Uint8Array, done: (error: Error | null, bytes: Uint8Array) => void): void
  transform(): any
}

function stepOf(coding: string, zlib: any, node: any): Step | undefined {
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_continue, ZSTD_e_end } = zlib.constants
  // A body that is cut short gives what it has, as in fetch.
  const lenient = { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH }
  if (coding === 'gzip' || coding === 'x-gzip')
    return { once: (bytes, done) => zlib.gunzip(bytes, lenient, done), transform: () => zlib.createGunzip(lenient) }
  if (coding === 'deflate')
    return {
      once: (bytes, done) => (framed(bytes) ? zlib.inflate : zlib.inflateRaw)(bytes, lenient, done),
      transform: () => eitherInflate(zlib, node, lenient),
    }
  if (coding === 'br') {
    const options = { flush: BROTLI_OPERATION_FLUSH, finishFlush: BROTLI_OPERATION_FLUSH }
    return { once: (bytes, done) => zlib.brotliDecompress(bytes, options, done), transform: () => zlib.createBrotliDecompress(options) }
  }
  if (coding === 'zstd' && typeof zlib.createZstdDecompress === 'function') {
    const options = { flush: ZSTD_e_continue, finishFlush: ZSTD_e_end }
    return { once: (bytes, done) => zlib.zstdDecompress(bytes, options, done), transform: () => zlib.createZstdDecompress(options) }
  }
  return undefined
}

/** Whether deflated bytes begin with zlib's frame; servers send both kinds under one name. */
const framed = (bytes: Uint8Array) => (bytes[0]! & 0x0f) === 8

/** Decides at the first byte which kind of deflate it is. */
function eitherInflate(zlib: any, node: any, options: object): any {
  let inner: any
  return new node.Transform({
    transform(this: any, chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void) {
      if (inner === undefined) {
        if (chunk.byteLength === 0) return done()
        inner = framed(chunk) ? zlib.createInflate(options) : zlib.createInflateRaw(options)
        inner.on('data', (bytes: Uint8Array) => this.push(bytes))
        inner.on('error', (error: Error) => this.destroy(error))
      }
      inner.write(chunk, done)
    },
    flush(done: () => void) {
      if (inner === undefined) return done()
      inner.on('end', done)
      inner.end()
    },
  })
}

function inflate(step: Step, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.byteLength === 0) return Promise.resolve(bytes)
  return new Promise((resolve, reject) => step.once(bytes, (error, result) => (error === null ? resolve(result) : reject(broken(error)))))
}

/** Remembers whether it was the source that failed, and not the decoding. */
class Watched {
  error: unknown
  readonly #chunks: AsyncIterable<Uint8Array>
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#chunks
    } catch (error) {
      this.error = error
      throw error
    }
  }
}

async function* told(readable: AsyncIterable<Uint8Array>, source: Watched): AsyncGenerator<Uint8Array> {
  try {
    yield* readable
  } catch (error) {
    throw error === source.error ? error : broken(error as Error)
  }
}

const broken = (error: Error) => new TypeError('terminated', { cause: error })
const ignore = () => {}
