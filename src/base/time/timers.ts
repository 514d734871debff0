/**
 * One timer of the runtime for all of ours. Most timeouts are armed and disarmed without ever firing, and most share a few durations;
 * so alarms of one duration form a ring (adding and cancelling cost a few pointer moves), and only the earliest of them all is armed.
 */

/** Something that shall happen later. */
export interface Timer {
  /** It shall not happen after all. Harmless when it already has. */
  cancel(): void
}

/**
 * What shall happen later, and its place in a ring: who needs one for each call keeps there whatever else belongs to the call. Written out, not
 * inherited: an object of a derived class takes several times as long to make.
 */
export interface Alarm {
  ring: Ring | undefined
  previous: Alarm | undefined
  next: Alarm | undefined
  /** When it was set. */
  since: number
  /** Orders alarms that are due at the same time. */
  order: number
  /** Whether an unfinished call waits for this, so that the process must not end before it. */
  readonly keepsAlive: boolean
  /** It is time. */
  due(): void
}

/** What an alarm that is set hangs in. */
export interface Ring {
  /** Takes an alarm off that is in it. */
  remove(alarm: Alarm): void
}

/** The longest delay a runtime timer holds; longer ones are armed again. */
export const LONGEST_DELAY = 2_147_483_647

export type Handle = { ref?(): unknown; unref?(): unknown } | number | undefined

export interface TimerQueue {
  /** Lets an alarm that is not set ring once, `delay` ms after `now`. */
  set(alarm: Alarm, delay: number, now: number): void
}

/** What the runtime gives. */
export interface RuntimeTimer {
  arm(delay: number, run: () => void): Handle
  disarm(handle: any): void
  /** Runs something soon, outside of the work underway. Absent where timers keep no process alive. */
  later: ((run: () => void) => unknown) | undefined
}

/** An alarm that calls a function. */
export class Callback implements Alarm, Timer {
  ring: Ring | undefined = undefined
  previous: Alarm | undefined = undefined
  next: Alarm | undefined = undefined
  since = 0
  order = 0
  readonly keepsAlive: boolean
  readonly due: () => void

  constructor(due: () => void, keepsAlive: boolean) {
    this.due = due
    this.keepsAlive = keepsAlive
  }

  cancel(): void {
    this.ring?.remove(this)
  }
}

/** Alarms of one duration: in order of their due time because time only goes forward. The last one knows the first. */
class DelayRing implements Ring {
  readonly delay: number
  #last: Alarm | undefined
  readonly #owner: { released(): void }

  constructor(delay: number, owner: { released(): void }) {
    this.delay = delay
    this.#owner = owner
  }

  get first(): Alarm | undefined {
    return this.#last?.next
  }

  append(alarm: Alarm): void {
    const last = this.#last
    const first = last === undefined ? alarm : last.next!
    alarm.ring = this
    alarm.previous = last ?? alarm
    alarm.next = first
    first.previous = alarm
    if (last !== undefined) last.next = alarm
    this.#last = alarm
  }

  remove(alarm: Alarm): void {
    const { previous, next } = alarm
    if (next === alarm) this.#last = undefined
    else {
      previous!.next = next
      next!.previous = previous
      if (this.#last === alarm) this.#last = previous
    }
    alarm.ring = alarm.previous = alarm.next = undefined
    if (alarm.keepsAlive) this.#owner.released()
  }
}

class Queue implements TimerQueue {
  readonly #rings = new Map<number, DelayRing>()
  readonly #now: () => number
  // Kept apart and called by themselves: browsers and workers refuse their functions as methods of anything else.
  readonly #arm: RuntimeTimer['arm']
  readonly #disarm: RuntimeTimer['disarm']
  readonly #later: RuntimeTimer['later']
  /** The ring used last: most alarms in a row have the same duration. */
  #recent: DelayRing | undefined
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
    this.#arm = runtime.arm
    this.#disarm = runtime.disarm
    this.#later = runtime.later
  }

  set(alarm: Alarm, delay: number, now: number): void {
    const wait = delay > 0 ? Math.ceil(delay) : 0 // a ring per fraction would be a ring per alarm
    const ring = this.#recent?.delay === wait ? this.#recent : this.#ring(wait)
    alarm.since = now
    alarm.order = this.#order++
    ring.append(alarm)
    const { keepsAlive } = alarm
    if (keepsAlive) this.#keepingAlive++
    if (now + wait < this.#armedFor) this.#armUntil(now + wait, now)
    else if (keepsAlive && !this.#referenced) this.#reference()
  }

  #ring(wait: number): DelayRing {
    let ring = this.#rings.get(wait)
    if (ring === undefined) {
      ring = new DelayRing(wait, this)
      this.#rings.set(wait, ring)
    }
    this.#recent = ring
    return ring
  }

  /** An alarm that kept the process alive is gone. Often the next call brings another one at once, so the runtime hears of it a little later. */
  released(): void {
    const later = this.#later
    if (--this.#keepingAlive > 0 || this.#settling || later === undefined) return
    this.#settling = true
    later(this.#settle)
  }

  #armUntil(due: number, now: number): void {
    const [arm, disarm] = [this.#arm, this.#disarm]
    if (this.#handle !== undefined) disarm(this.#handle)
    this.#armedFor = due
    this.#handle = arm(Math.min(LONGEST_DELAY, Math.max(0, Math.ceil(due - now))), this.#run)
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
      for (let alarm = this.#earliest(); alarm !== undefined && dueAt(alarm) <= now; alarm = this.#earliest()) {
        alarm.ring!.remove(alarm)
        alarm.due()
      }
    } finally {
      const alarm = this.#earliest()
      if (alarm !== undefined && dueAt(alarm) < this.#armedFor) this.#armUntil(dueAt(alarm), this.#now())
    }
  }

  /** The next to fire; empty rings are dropped on the way. */
  #earliest(): Alarm | undefined {
    let earliest: Alarm | undefined
    for (const [delay, { first }] of this.#rings)
      if (first === undefined) this.#drop(delay)
      else if (earliest === undefined || isBefore(first, earliest)) earliest = first
    return earliest
  }

  #drop(delay: number): void {
    if (this.#recent?.delay === delay) this.#recent = undefined
    this.#rings.delete(delay)
  }
}

function dueAt(alarm: Alarm): number {
  return alarm.since + (alarm.ring as DelayRing).delay
}

function isBefore(a: Alarm, b: Alarm): boolean {
  const [one, other] = [dueAt(a), dueAt(b)]
  return one < other || (one === other && a.order < b.order)
}

/** Makes a queue over one runtime timer. A cancelled head leaves that timer armed: it fires once for nothing, which is cheaper than re-arming at every cancel. */
export function timerQueue(now: () => number, runtime: RuntimeTimer): TimerQueue {
  return new Queue(now, runtime)
}
