/**
 * One timer of the runtime for all of ours. Most timeouts are armed and disarmed without ever firing, and most share a few durations;
 * so timers of one duration form a list (adding and cancelling cost a few pointer moves), and only the earliest list head is armed.
 */
/** Something that shall happen later. */
export interface Timer {
  /** It shall not happen after all. Harmless when it already has. */
  cancel(): void
}

/** The longest delay a runtime timer holds; longer ones are armed again. */
const LONGEST = 2_147_483_647

export type Handle = { ref?(): unknown; unref?(): unknown } | number | undefined

export interface TimerQueue {
  add(delay: number, callback: () => void, keepAlive: boolean, now: number): Timer
}

/** What the runtime gives. */
export interface RuntimeTimer {
  arm(delay: number, run: () => void): Handle
  disarm(handle: any): void
  /** Runs something soon, outside of the work underway. Absent where timers keep no process alive. */
  later: ((run: () => void) => unknown) | undefined
}

class Entry implements Timer {
  list: List | undefined
  previous: Entry | undefined
  next: Entry | undefined
  readonly due: number
  readonly order: number
  readonly keepAlive: boolean
  callback: (() => void) | undefined

  constructor(list: List, due: number, order: number, keepAlive: boolean, callback: () => void) {
    this.list = list
    this.due = due
    this.order = order
    this.keepAlive = keepAlive
    this.callback = callback
  }

  cancel(): void {
    this.list?.remove(this)
    this.callback = undefined
  }
}

/** Timers of one duration: in order of their due time because time only goes forward. */
class List {
  head: Entry | undefined
  tail: Entry | undefined
  readonly delay: number
  readonly #owner: Queue

  constructor(delay: number, owner: Queue) {
    this.delay = delay
    this.#owner = owner
  }

  append(entry: Entry): void {
    entry.previous = this.tail
    if (this.tail) this.tail.next = entry
    else this.head = entry
    this.tail = entry
  }

  remove(entry: Entry): void {
    if (entry.previous) entry.previous.next = entry.next
    else this.head = entry.next
    if (entry.next) entry.next.previous = entry.previous
    else this.tail = entry.previous
    entry.list = entry.previous = entry.next = undefined
    if (entry.keepAlive) this.#owner.released()
  }
}

class Queue implements TimerQueue {
  readonly #lists = new Map<number, List>()
  readonly #now: () => number
  readonly #runtime: RuntimeTimer
  /** The list used last: most timers in a row have the same duration. */
  #recent: List | undefined
  #handle: Handle
  #armedFor = Infinity
  #order = 0
  #keepingAlive = 0
  /** Whether the runtime timer keeps the process alive. */
  #referenced = false
  #settling = false
  readonly #run = () => this.#fire()
  readonly #settle = () => {
    this.#settling = false
    this.#reference()
  }

  constructor(now: () => number, runtime: RuntimeTimer) {
    this.#now = now
    this.#runtime = runtime
  }

  add(delay: number, callback: () => void, keepAlive: boolean, now: number): Timer {
    const wait = delay > 0 ? Math.ceil(delay) : 0 // a list per fraction would be a list per timer
    const list = this.#recent?.delay === wait ? this.#recent : this.#list(wait)
    const entry = new Entry(list, now + wait, this.#order++, keepAlive, callback)
    list.append(entry)
    if (keepAlive) this.#keepingAlive++
    if (entry.due < this.#armedFor) this.#armUntil(entry.due, now)
    else if (keepAlive && !this.#referenced) this.#reference()
    return entry
  }

  #list(wait: number): List {
    let list = this.#lists.get(wait)
    if (list === undefined) {
      list = new List(wait, this)
      this.#lists.set(wait, list)
    }
    this.#recent = list
    return list
  }

  /** A timer that kept the process alive is gone. Often the next call brings another one at once, so the runtime hears of it a little later. */
  released(): void {
    if (--this.#keepingAlive > 0 || this.#settling || this.#runtime.later === undefined) return
    this.#settling = true
    this.#runtime.later(this.#settle)
  }

  #armUntil(due: number, now: number): void {
    if (this.#handle !== undefined) this.#runtime.disarm(this.#handle)
    this.#armedFor = due
    this.#handle = this.#runtime.arm(Math.min(LONGEST, Math.max(0, Math.ceil(due - now))), this.#run)
    this.#referenced = true
    this.#reference()
  }

  #reference(): void {
    const wanted = this.#keepingAlive > 0
    const handle = this.#handle
    if (wanted === this.#referenced || typeof handle !== 'object') return
    this.#referenced = wanted
    if (wanted) handle.ref?.()
    else handle.unref?.()
  }

  #fire(): void {
    this.#handle = undefined
    this.#armedFor = Infinity
    try {
      const now = this.#now()
      for (let entry = this.#earliest(); entry !== undefined && entry.due <= now; entry = this.#earliest()) {
        const callback = entry.callback!
        entry.cancel()
        callback()
      }
    } finally {
      const entry = this.#earliest()
      if (entry !== undefined && entry.due < this.#armedFor) this.#armUntil(entry.due, this.#now())
    }
  }

  /** The next to fire; empty lists are dropped on the way. */
  #earliest(): Entry | undefined {
    let first: Entry | undefined
    for (const [delay, list] of this.#lists) {
      const head = list.head
      if (head === undefined) this.#drop(delay)
      else if (first === undefined || head.due < first.due || (head.due === first.due && head.order < first.order)) first = head
    }
    return first
  }

  #drop(delay: number): void {
    if (this.#recent?.delay === delay) this.#recent = undefined
    this.#lists.delete(delay)
  }
}

/** Makes a queue over one runtime timer. A cancelled head leaves that timer armed: it fires once for nothing, which is cheaper than re-arming at every cancel. */
export function timerQueue(now: () => number, runtime: RuntimeTimer): TimerQueue {
  return new Queue(now, runtime)
}
