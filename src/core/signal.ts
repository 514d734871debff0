/** The platform's AbortSignal, in types that hold where neither the DOM's nor Node's are loaded. */

/** What is used of an AbortSignal. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly reason: any
  addEventListener(type: 'abort', listener: () => void, options?: any): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** `AbortSignal`, or what we use of it. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : AbortSignalLike

const isSignal = (value: any) => typeof value?.addEventListener === 'function'

/** What is wrong with options that may have a signal; `undefined`: nothing. `where` begins the message. */
export function signalIssue(options: any, where: string): TypeError | undefined {
  if (options === undefined || options === null) return undefined
  const wrong = typeof options !== 'object' || isSignal(options)
  const { signal } = options
  if (!wrong && (signal === undefined || signal === null || isSignal(signal))) return undefined
  return new TypeError(
    `${where}: ${wrong ? `expected options such as { signal }, got ${typeof options === 'object' ? 'an AbortSignal' : `a ${typeof options}`}` : NO_SIGNAL}`,
  )
}
const NO_SIGNAL = 'signal must be an AbortSignal (pass controller.signal, not the controller)'

/** One ear for each signal: a signal that many calls share, such as that of a shutdown, is listened to once, and Node suspects no leak. */
const ears = new WeakMap<Signal, Ear>()

class Ear {
  readonly #signal: Signal
  readonly #listeners = new Set<() => void>()
  #listening = false

  constructor(signal: Signal) {
    this.#signal = signal
  }

  add(listener: () => void): void {
    if (!this.#listening) this.#signal.addEventListener('abort', this.#tell, { once: true })
    this.#listening = true
    this.#listeners.add(listener)
  }

  delete(listener: () => void): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop()
  }

  /** Once: a listener may take off the last other one while they are called. */
  #stop(): void {
    if (this.#listening) this.#signal.removeEventListener('abort', this.#tell)
    this.#listening = false
  }

  /** One that throws keeps no other from being told; the first error is for who aborts to report, as of a listener of its own. */
  readonly #tell = () => {
    this.#stop() // who counts listeners counts this, too
    const errors: unknown[] = []
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener)
      try {
        listener()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}

/** Calls `listener` once when the signal is aborted. Not for one that is aborted already. Returns what takes it off again. */
export function whenAborted(signal: Signal, listener: () => void): () => void {
  let ear = ears.get(signal)
  if (ear === undefined) {
    ear = new Ear(signal)
    ears.set(signal, ear)
  }
  ear.add(listener)
  return () => ear.delete(listener)
}
