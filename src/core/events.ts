/** Typed events. No listener, no cost; a listener that throws is reported and changes nothing. */
import { OptionsError } from './errors.ts'
import { isPromiseLike } from './next.ts'
import { suggest } from './schema/read.ts'
import { type Signal, signalIssue, whenAborted } from './signal.ts'

/** Listens until the returned function is called or `signal` aborts. */
export interface ListenOptions {
  signal?: Signal | undefined
}

/** An object with `on`. `E` maps the name of an event to what its listeners get. */
export interface Observable<E> {
  /** Calls `listener` at each event of that type; gives back what stops it. Throws an `OptionsError` when there is no such event. */
  on<K extends keyof E>(type: K, listener: (event: E[K]) => void, options?: ListenOptions): () => void
}

/** All that may happen, as data: every name of `E`, and no other. */
export type EventNames<E> = { readonly [K in keyof E]: 1 }

export class Emitter<E extends object> implements Observable<E> {
  readonly #what: string
  readonly #names: EventNames<E>
  /** Made with the first listener: most emitters never have one. */
  #listeners: Map<keyof E, Set<(event: any) => void>> | undefined
  /** How many listeners there are in all: look here before an event object is made. */
  listening = 0

  constructor(what: string, names: EventNames<E>) {
    this.#what = what
    this.#names = names
  }

  on<K extends keyof E>(type: K, listener: (event: E[K]) => void, options?: ListenOptions): () => void {
    if (!Object.hasOwn(this.#names, type)) throw noEvent(this.#what, type, Object.keys(this.#names))
    if (typeof listener !== 'function') throw new TypeError(`on(${JSON.stringify(type)}): the listener is not a function`)
    const issue = signalIssue(options, `on(${JSON.stringify(type)})`)
    if (issue !== undefined) throw issue
    if (options?.signal?.aborted) return () => {}
    const entry = (event: E[K]) => listener(event)
    this.#listeners ??= new Map()
    let set = this.#listeners.get(type)
    if (set === undefined) {
      set = new Set()
      this.#listeners.set(type, set)
    }
    set.add(entry)
    this.listening++
    const off = () => {
      if (!set.delete(entry)) return
      this.listening--
      unlisten?.()
    }
    const unlisten = options?.signal && whenAborted(options.signal, off)
    return off
  }

  /** Whether anybody hears that type. */
  hears(type: keyof E): boolean {
    return this.listening > 0 && (this.#listeners?.get(type)?.size ?? 0) > 0
  }

  emit<K extends keyof E>(type: K, event: E[K]): void {
    if (this.listening === 0) return
    const set = this.#listeners?.get(type)
    if (set === undefined || set.size === 0) return
    for (const listener of [...set]) guarded(listener, event)
  }
}

export function noEvent(what: string, type: unknown, names: readonly string[]): OptionsError {
  const near = suggest(String(type), names)
  return new OptionsError(`${what}.on: there is no event ${JSON.stringify(type)}${near ? ` (${near})` : ''}; there are ${names.join(', ')}`)
}

/**
 * Calls a function of the user's. What it throws, and what a promise that it returns rejects with, is reported as a warning of the process
 * and goes no further: then the answer is `undefined`.
 */
export function guarded<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R | undefined {
  try {
    const result = fn(...args)
    if (isPromiseLike(result)) Promise.resolve(result).then(undefined, report)
    return result
  } catch (error) {
    report(error)
    return undefined
  }
}

/** Reports an error, each message once: for what would fail again with every call. */
export function reportOnce(): (error: Error) => void {
  const reported = new Set<string>()
  return error => {
    if (reported.has(error.message) || reported.size >= MOST_REPORTS) return
    reported.add(error.message)
    report(error)
  }
}
const MOST_REPORTS = 100

/** Tells the process about an error that must not disturb the call at hand. */
export function report(error: unknown): void {
  const process = (globalThis as any).process
  if (typeof process?.emitWarning === 'function')
    process.emitWarning(error instanceof Error ? error : new Error(String(error)), { type: 'MeshlessListenerWarning' })
  else if (typeof console !== 'undefined') console.warn(error)
}
