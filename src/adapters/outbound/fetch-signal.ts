/** Signals of other AbortControllers (polyfills, jsdom's, another realm's), which fetch takes too. */
import { PlatformAbortSignal } from '../../base/platform.ts'
import type { AbortSignalLike } from '../../core/signal.ts'

const known = new WeakMap<object, ForeignSignal>()

/** The signal in the form that the mesh listens to. `given` is one that fetch accepts. */
export function followSignal(given: any): AbortSignal | undefined {
  if (given === undefined || given === null) return undefined
  if (given instanceof PlatformAbortSignal) return given
  let signal = known.get(given)
  if (signal === undefined) known.set(given, (signal = new ForeignSignal(given)))
  return signal as unknown as AbortSignal
}

class ForeignSignal implements AbortSignalLike {
  readonly #signal: AbortSignalLike
  #reason: unknown

  constructor(signal: AbortSignalLike) {
    this.#signal = signal
  }

  get aborted(): boolean {
    return this.#signal.aborted
  }

  /** Old polyfills have no reason. */
  get reason(): unknown {
    return this.#signal.reason ?? (this.#reason ??= new DOMException('This operation was aborted', 'AbortError'))
  }

  addEventListener(type: 'abort', listener: () => void, options?: unknown): void {
    this.#signal.addEventListener(type, listener, options)
  }

  removeEventListener(type: 'abort', listener: () => void): void {
    this.#signal.removeEventListener?.(type, listener)
  }
}
