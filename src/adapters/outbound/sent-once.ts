/**
 * A body that can be read only once, under policies that may call again: a second try would send what is left of it, mostly nothing, and
 * might be thanked for it. So it is refused, as what never reached the callee is: no policy calls again, and none counts it.
 */
const REJECTION = Symbol.for('meshless.rejection')

export class SentOnce {
  /** Whether there is no second try. */
  readonly once: boolean
  #refusal: Error | undefined
  #tried = false
  #error: unknown

  constructor(body: unknown) {
    this.once = isStream(body)
  }

  async send<T>(send: () => Promise<T>): Promise<T> {
    if (this.once && this.#tried) throw (this.#refusal ??= refusal())
    this.#tried = true
    try {
      return await send()
    } catch (error) {
      this.#error = error
      throw error
    }
  }

  /** What the call has failed with: where it ended because there was no second try, what the first came to. */
  reason(error: unknown): unknown {
    return error !== undefined && error === this.#refusal ? this.#error : error
  }
}

function refusal(): Error {
  const error = new Error('the body is a stream, which was sent already and cannot be read again')
  return Object.defineProperty(error, REJECTION, { value: true })
}

/** Streams of the web and of Node, old ones as well, and what is read like them. */
function isStream(body: any): boolean {
  return (
    typeof body === 'object' &&
    body !== null &&
    (typeof body.pipe === 'function' || typeof body.getReader === 'function' || Symbol.asyncIterator in body)
  )
}
