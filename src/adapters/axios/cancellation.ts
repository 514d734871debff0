/**
 * What ends an axios request before its time: the caller's signal or cancel token, its timeout, a request stream that broke. The first one
 * decides; the request and its response body end with that error.
 */
import { type Clock, KEEP_ALIVE, type Timer } from '../../base/time/clock.ts'
import { whenAborted } from '../../core/signal.ts'
import type { BodyReader, BodySource } from '../../core/transport.ts'
import type { Given } from './config.ts'
import { axiosError, axiosErrorFrom, canceledError } from './errors.ts'
import { isStream } from './request-stream.ts'

export class Cancellation {
  /** Why the request ended. */
  error: unknown
  /** Whether the caller's signal ended it. */
  bySignal = false
  /** Told at once, when the caller has the response already. */
  onAbort: ((error: unknown) => void) | undefined
  /** The request as axios shows it, for the errors. */
  request: unknown
  /** `undefined`: nothing can end it early. */
  readonly #controller: AbortController | undefined
  readonly #given: Given
  readonly #clock: Clock
  readonly #timeout: number
  readonly #ends: (() => void)[] = []
  #timer: Timer | undefined
  #done = false
  /** The response body that is being read: its timeout is one of silence. */
  #body: { paused: boolean; lastAt: number } | undefined

  constructor(given: Given, clock: Clock) {
    this.#given = given
    this.#clock = clock
    this.#timeout = timeoutOf(given)
    const { config, own } = given
    const [signal, token] = [own('signal'), own('cancelToken')]
    if (signal || token || this.#timeout > 0 || isStream(own('data'))) this.#controller = new AbortController()
    if (this.#timeout > 0) this.#arm(this.#timeout, true)
    if (signal) {
      const aborted = () => {
        this.bySignal = this.error === undefined
        this.abort(canceledError(null, config, this.request))
      }
      if (signal.aborted) aborted()
      else this.#ends.push(whenAborted(signal, aborted))
    }
    if (token) {
      const canceled = (reason: unknown) => this.abort(reason)
      token.subscribe(canceled)
      this.#ends.push(() => token.unsubscribe(canceled))
    }
  }

  get signal(): AbortSignal | undefined {
    return this.#controller?.signal
  }

  abort(error: unknown): void {
    if (this.#done || this.error !== undefined) return
    this.error = error
    this.#timer?.cancel()
    this.#controller?.abort(error)
    this.onAbort?.(error)
  }

  broke(error: any): void {
    this.abort(error?.isAxiosError === true ? error : axiosErrorFrom(asError(error), undefined, this.#given.config, this.request))
  }

  destroyed(): void {
    this.abort(canceledError('Request stream has been aborted', this.#given.config, this.request))
  }

  /** Nothing can end it any more. */
  end(): void {
    this.#done = true
    this.#timer?.cancel()
    for (const end of this.#ends.splice(0)) end()
  }

  /** The response body, whose silence is now what the timeout means. */
  watched(body: BodySource): BodySource {
    return this.#timeout > 0 ? new WatchedBody(body, this) : body
  }

  reading(): void {
    this.#body = { paused: false, lastAt: this.#clock.now() }
  }

  heard(): void {
    this.#body!.lastAt = this.#clock.now()
  }

  /** Whether the reader holds the peer back: then silence is not its fault. */
  set paused(paused: boolean) {
    if (this.#body === undefined) return
    this.#body.paused = paused
    if (!paused) this.heard()
  }

  #arm(ms: number, waitsForPeer: boolean): void {
    this.#timer = this.#clock.schedule(ms, () => this.#due(), waitsForPeer ? KEEP_ALIVE : undefined)
  }

  #due(): void {
    const timeout = this.#timeout
    const body = this.#body
    if (body?.paused === true) return this.#arm(timeout, false)
    const silent = body === undefined ? timeout : this.#clock.now() - body.lastAt
    if (silent < timeout) return this.#arm(timeout - silent, true)
    const { config, own } = this.#given
    const code = own('transitional')?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED'
    this.abort(axiosError(own('timeoutErrorMessage') || `timeout of ${own('timeout')}ms exceeded`, code, config, this.request))
  }
}

function timeoutOf({ own, config }: Given): number {
  const timeout = own('timeout')
  if (!timeout) return 0
  const ms = Number.parseInt(timeout, 10)
  if (Number.isNaN(ms)) throw axiosError('error trying to parse `config.timeout` to int', 'ERR_BAD_OPTION_VALUE', config)
  return ms
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

/** Notes when the peer was heard last. */
class WatchedBody implements BodySource, BodyReader {
  readonly #body: BodySource
  readonly #cancellation: Cancellation
  #reader!: BodyReader
  constructor(body: BodySource, cancellation: Cancellation) {
    this.#body = body
    this.#cancellation = cancellation
    cancellation.reading()
  }
  get length(): number | undefined {
    return this.#body.length
  }
  read(reader: BodyReader): void {
    this.#reader = reader
    this.#body.read(this)
  }
  pause(): void {
    this.#cancellation.paused = true
    this.#body.pause()
  }
  resume(): void {
    this.#cancellation.paused = false
    this.#body.resume()
  }
  cancel(): void {
    this.#body.cancel()
  }
  data(chunk: Uint8Array): void {
    this.#cancellation.heard()
    this.#reader.data(chunk)
  }
  end(trailers?: readonly string[]): void {
    this.#reader.end(trailers)
  }
  error(error: Error): void {
    this.#reader.error(error)
  }
}
