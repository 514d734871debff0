/** The entries that fetch adds to `performance.getEntriesByType('resource')`, where the runtime lets us. */
import { systemClock } from './clock.ts'
import { endsWithRequests } from './polled-clock.ts'

type Mark = (timing: object, url: string, initiator: string, global: object, cache: string, body: string, status: number) => unknown

/** Workers have the function too, and refuse it. */
const mark = endsWithRequests() ? undefined : (globalThis.performance as { markResourceTiming?: Mark } | undefined)?.markResourceTiming

/** The times of one fetch with all its redirects; the names are those that the runtime reads. */
export class ResourceTiming {
  readonly startTime: number = systemClock.now()
  redirectStartTime = 0
  redirectEndTime = 0
  postRedirectStartTime: number = this.startTime
  finalServiceWorkerStartTime = 0
  finalNetworkRequestStartTime: number = this.startTime
  finalNetworkResponseStartTime = 0
  endTime = 0
  encodedBodySize = 0
  decodedBodySize = 0
  status = 0
  readonly #url: string

  /** `url`: of the first request. */
  constructor(url: string) {
    this.#url = url
  }

  /** Connections are the mesh's and serve many requests: their times are those of the request, as in undici. */
  get finalConnectionTimingInfo(): this {
    return this
  }
  get domainLookupStartTime(): number {
    return this.postRedirectStartTime
  }
  get domainLookupEndTime(): number {
    return this.postRedirectStartTime
  }
  get connectionStartTime(): number {
    return this.postRedirectStartTime
  }
  get connectionEndTime(): number {
    return this.postRedirectStartTime
  }
  get secureConnectionStartTime(): number {
    return this.postRedirectStartTime
  }

  /** The response to the last request is here. */
  responded(status: number): void {
    this.status = status
    this.finalNetworkResponseStartTime = systemClock.now()
  }

  /** It leads to another request. */
  redirected(): void {
    const now = systemClock.now()
    if (this.redirectStartTime === 0) this.redirectStartTime = this.startTime
    this.redirectEndTime = this.postRedirectStartTime = this.finalNetworkRequestStartTime = now
  }

  /** The body was read: so many bytes as they came, and decoded. */
  ended(encoded: number, decoded: number): void {
    if (this.endTime !== 0) return
    this.endTime = systemClock.now()
    this.encodedBodySize = encoded
    this.decodedBodySize = decoded
    mark!(this, this.#url, 'fetch', globalThis, '', '', this.status)
  }
}

/** Starts to measure a fetch; `undefined` where the runtime keeps such entries for its own fetch only. */
export const startTiming: (url: string) => ResourceTiming | undefined =
  mark === undefined ? () => undefined : url => new ResourceTiming(url)
