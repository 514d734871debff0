/**
 * Tries of one request that run at the same time: one that ran into its per-try timeout and may still answer, one that was started beside
 * a slow one. What the first of them came to is held while others may do better: when all fail, the request ends as that one did.
 */
import type { Try } from './attempt.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'

/** A try that runs. */
export interface Begun {
  /** ms of the clock. */
  readonly at: number
  /** It was started beside another one, and has a place in the retry budget. */
  readonly hedge: boolean
}

interface Held {
  readonly by: Try | undefined
  readonly tell: () => void
  readonly drop: () => void
  /** What came after the answer while it was held: the end of its body. */
  afterwards: (() => void) | undefined
}

export class Beside {
  readonly #cluster: ClusterRuntime
  readonly #running = new Map<Try, Begun>()
  readonly #late = new Set<Try>()
  #held: Held | undefined

  constructor(cluster: ClusterRuntime) {
    this.#cluster = cluster
  }

  get size(): number {
    return this.#running.size
  }

  add(one: Try, at: number, hedge: boolean): void {
    this.#running.set(one, { at, hedge })
  }

  /** It ran into its per-try timeout, and another one follows. */
  late(one: Try): void {
    if (!this.#running.has(one)) this.add(one, 0, false)
    this.#late.add(one)
  }

  isLate(one: Try): boolean {
    return this.#late.has(one)
  }

  /** Takes one off that is over; what was known of it. */
  remove(one: Try): Begun | undefined {
    const begun = this.#running.get(one)
    if (begun === undefined) return undefined
    this.#running.delete(one)
    this.#late.delete(one)
    if (begun.hedge) this.#cluster.limits.retries.give()
    return begun
  }

  /** This one decides: the others are let go, and nobody waits for them. */
  keepOnly(one: Try): void {
    this.remove(one)
    for (const other of this.takeAll()) other.cancel(false)
  }

  /** All of them, to be given up. */
  takeAll(): Try[] {
    const all = [...this.#running.keys()]
    for (const one of all) this.remove(one)
    this.dropHeld()
    return all
  }

  // ── what is held ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A try has failed while others run: what the first one came to is kept, what a hedge came to is not. */
  hold(begun: Begun | undefined, by: Try | undefined, tell: () => void, drop: () => void): void {
    if (begun?.hedge === false) this.#held = { by, tell, drop, afterwards: undefined }
    else drop()
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** The body of an answer has ended, or broken. True: that answer is held, and this is told after it. */
  ends(by: Try, afterwards: () => void): boolean {
    const held = this.#held
    if (held === undefined || held.by !== by) return false
    held.afterwards = afterwards
    return true
  }

  tellHeld(): void {
    const held = this.#held!
    this.#held = undefined
    held.tell()
    held.afterwards?.()
  }

  dropHeld(): void {
    const held = this.#held
    this.#held = undefined
    held?.drop()
  }
}
