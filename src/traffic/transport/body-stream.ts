/** A response body as a stream of the platform, which fails as soon as its connection does. */
import { PlatformReadableStream } from '../../base/platform.ts'
import type { ResourceTiming } from '../../base/time/resource-timing.ts'
import { whenAborted } from '../../core/signal.ts'
import type { Decoder } from './decode.ts'
import type { Inflow } from './inflow.ts'

/** A stream that nothing refers to any more can no longer be read: its connection is released. */
const unreachable = /* @__PURE__ */ new FinalizationRegistry<StreamFeed>(feed => feed.abandon())

/** Streams what `inflow` receives, decoded. An abort of `signal` errors the stream with the signal's reason. */
export function bodyStream(
  inflow: Inflow,
  decoder: Decoder | undefined,
  signal: AbortSignal | undefined,
  timing: ResourceTiming | undefined,
): ReadableStream<Uint8Array> {
  const feed = new StreamFeed(inflow, signal)
  const stream = new PlatformReadableStream(new StreamSource(feed, inflow, decoder, timing))
  unreachable.register(stream, feed, feed)
  return stream
}

/**
 * What the transport and the caller's signal hold of a stream. It refers to the stream weakly: a signal may live as long as the
 * process, and a stream that was dropped must be collected.
 */
class StreamFeed {
  over = false
  #controller: WeakRef<ReadableByteStreamController> | undefined
  #unlisten: (() => void) | undefined
  readonly #inflow: Inflow
  readonly #signal: AbortSignal | undefined

  constructor(inflow: Inflow, signal: AbortSignal | undefined) {
    this.#inflow = inflow
    this.#signal = signal
  }

  start(controller: ReadableByteStreamController): void {
    const signal = this.#signal
    this.#controller = new WeakRef(controller)
    if (signal?.aborted === true) return this.failed(signal.reason)
    if (signal !== undefined) this.#unlisten = whenAborted(signal, () => this.failed(signal.reason))
    this.#inflow.watch(this)
  }

  /** The connection broke, or what it brings cannot be decoded. */
  failed(error: unknown): void {
    if (this.over) return
    const controller = this.#controller?.deref()
    this.abandon()
    controller?.error(error)
  }

  /** Nothing more comes, or nothing more is wanted. */
  end(): void {
    this.over = true
    this.#unlisten?.()
    unreachable.unregister(this)
  }

  abandon(): void {
    this.end()
    this.#inflow.cancel()
  }
}

class StreamSource implements UnderlyingByteSource {
  readonly type = 'bytes'
  readonly #feed: StreamFeed
  readonly #inflow: Inflow
  readonly #chunks: AsyncIterator<Uint8Array> | undefined
  readonly #timing: ResourceTiming | undefined
  #decoded = 0

  constructor(feed: StreamFeed, inflow: Inflow, decoder: Decoder | undefined, timing: ResourceTiming | undefined) {
    this.#feed = feed
    this.#inflow = inflow
    this.#timing = timing
    this.#chunks = decoder?.stream(inflow)[Symbol.asyncIterator]()
  }

  start(controller: ReadableByteStreamController): void {
    this.#feed.start(controller)
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    try {
      for (;;) {
        const chunk = await this.#next()
        if (this.#feed.over) return
        if (chunk === undefined) return this.#close(controller)
        if (chunk.byteLength === 0) continue
        this.#decoded += chunk.byteLength
        // A copy: the stream takes the buffer over, and ours may be a part of one that others use.
        controller.enqueue(new Uint8Array(chunk))
        return
      }
    } catch (error) {
      this.#feed.failed(error)
    }
  }

  cancel(): void {
    this.#feed.abandon()
  }

  #close(controller: ReadableByteStreamController): void {
    this.#feed.end()
    controller.close()
    controller.byobRequest?.respond(0)
    this.#timing?.ended(this.#inflow.received, this.#decoded)
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#chunks === undefined) return this.#inflow.next()
    const { done, value } = await this.#chunks.next()
    return done === true ? undefined : value
  }
}
