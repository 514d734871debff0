/**
 * What stands around a call without taking it over: it lets the call in, and hears how it ended. Steps in a row are linked into one
 * chain that attaches a single `then` for all of them, so a policy written as a step costs two plain function calls.
 */
import type { Call } from './call.ts'
import { Failure, isPromiseLike, type Next } from './next.ts'

/** `Pass` is what a step wants to have back at the end of the call: a generation, a timer, nothing. It must not be a promise. */
export interface Step<Pass = any> {
  /** Lets the call in. A promise makes it wait; a throw, or cheaper a `Failure`, refuses it, and nothing further in hears of it. */
  admit(call: Call, run: Run): Pass | PromiseLike<Pass>
  /** The call gave a value. Gives the value to pass on (mostly the same), or a promise for one; a throw makes it a failure. */
  answered(call: Call, pass: Pass, value: any, run: Run): unknown
  /** The call failed. Gives `GOES_ON`, or what is answered instead, or a promise for it; a throw replaces the error. */
  failed(call: Call, pass: Pass, error: unknown, run: Run): unknown
  /** It may end the call, by `run.cut`, while what stands further in still runs. */
  readonly mayCut?: boolean | undefined
}

/** What `failed` gives when the error goes on as it is. */
export const GOES_ON: unique symbol = Symbol('the error goes on')

/** One call on its way through a chain of steps. */
export interface Run {
  /** What stands further in than `step`, for one that calls again. */
  rest(step: Step): Next
  /**
   * Ends the call here with an error: what stands outside goes on at once, in the caller's async context; what stands further in is told
   * when the work has really ended. Does nothing when the call has already ended out there.
   */
  cut(step: Step, error: unknown): void
}

/** Links steps, the first outermost, round `next`. */
export function linkSteps(steps: readonly Step[], next: Next): Next {
  const run = passSteps(steps, next)
  return call => {
    const result = run(call)
    if (result instanceof Failure) throw result.error
    return result
  }
}

/** The same for one who knows a `Failure`. */
export function passSteps(steps: readonly Step[], next: Next): Next {
  const chain = new Chain(steps, next)
  const top = steps.length - 1
  return call => {
    call.waited() // a layer further out may have kept it
    return new Passage(chain, call, top).enter(0)
  }
}

class Chain {
  readonly steps: readonly Step[]
  readonly next: Next
  readonly mayCut: boolean
  readonly #rests: (Next | undefined)[] = []

  constructor(steps: readonly Step[], next: Next) {
    this.steps = steps
    this.next = next
    this.mayCut = steps.some(step => step.mayCut === true)
  }

  rest(step: Step): Next {
    const at = this.steps.indexOf(step)
    return (this.#rests[at] ??= at === this.steps.length - 1 ? this.next : linkSteps(this.steps.slice(at + 1), this.next))
  }
}

/** Rejects the race of a call that was cut. */
const CUT = Symbol('cut')

class Passage implements Run {
  readonly chain: Chain
  readonly call: Call
  /** The innermost step that has not been told yet how the call ended. */
  top: number
  /** The outermost: steps beyond it were told when the call was cut. */
  bottom = 0
  /** What is waited for, where it may be cut, and what ends the waiting. */
  #pending: PromiseLike<unknown> | undefined = undefined
  #lose: ((error: unknown) => void) | undefined = undefined
  #cut: { readonly outer: Passage; readonly error: unknown } | undefined = undefined
  // What the steps want to have back. Most chains are short, and fields are half the size of a list of their own.
  #first: unknown = undefined
  #second: unknown = undefined
  #third: unknown = undefined
  #fourth: unknown = undefined
  #others: unknown[] | undefined = undefined

  constructor(chain: Chain, call: Call, top: number) {
    this.chain = chain
    this.call = call
    this.top = top
  }

  rest(step: Step): Next {
    return this.chain.rest(step)
  }

  cut(step: Step, error: unknown): void {
    let run: Passage = this
    while (run.#cut !== undefined) run = run.#cut.outer
    const at = this.chain.steps.indexOf(step)
    if (at > run.top || run.#lose === undefined) return
    const outer = new Passage(this.chain, this.call, at - 1)
    for (let outside = 0; outside < at; outside++) outer.#keep(outside, run.#kept(outside))
    run.bottom = at + 1
    run.#cut = { outer, error }
    run.#lose(CUT)
  }

  enter(from: number): unknown {
    const { chain, call } = this
    const { steps } = chain
    let at = from
    let result: unknown
    try {
      for (; at < steps.length; at++) {
        const pass = steps[at]!.admit(call, this)
        if (pass === undefined) continue
        if (isPromiseLike(pass)) return pass instanceof Failure ? this.#failed(at - 1, pass.error) : this.#wait(pass, at)
        this.#keep(at, pass)
      }
      result = chain.next(call)
    } catch (error) {
      return this.#failed(at - 1, error)
    }
    return this.#settle(steps.length - 1, result)
  }

  #keep(at: number, pass: unknown): void {
    if (at === 0) this.#first = pass
    else if (at === 1) this.#second = pass
    else if (at === 2) this.#third = pass
    else if (at === 3) this.#fourth = pass
    else (this.#others ??= [])[at - 4] = pass
  }

  #kept(at: number): unknown {
    if (at === 0) return this.#first
    if (at === 1) return this.#second
    if (at === 2) return this.#third
    return at === 3 ? this.#fourth : this.#others?.[at - 4]
  }

  #wait(pass: PromiseLike<unknown>, at: number): unknown {
    const admitted = (value: unknown) => {
      this.#keep(at, value)
      if (at < this.bottom) return undefined
      this.call.waited()
      return this.call.aborted ? this.#failed(at, this.call.reason) : this.enter(at + 1)
    }
    const refused = (error: unknown): unknown => (error === CUT ? this.#goOutside(admitted, refused) : this.#failed(at - 1, error))
    return this.#raced(pass).then(admitted, refused)
  }

  /** Tells the steps from `at` outwards what has come from further in, at once or when it is there. */
  #settle(at: number, result: unknown): unknown {
    if (!isPromiseLike(result)) return this.#answered(at, result)
    return result instanceof Failure ? this.#failed(at, result.error) : this.#follow(result, at)
  }

  /** When `result` settles, the steps from `at` outwards are told. */
  #follow(result: PromiseLike<unknown>, at: number): unknown {
    this.top = at
    return this.#raced(result).then(onAnswer.bind(this), onFailure.bind(this))
  }

  /** What settles as `pending` does, unless the call is cut first. Its reactions run in the caller's async context whoever wins. */
  #raced(pending: PromiseLike<unknown>): PromiseLike<unknown> {
    if (!this.chain.mayCut) return pending
    this.#pending = pending
    return new Promise((take, drop) => {
      this.#lose = drop
      pending.then(take, drop)
    })
  }

  answered(value: unknown): unknown {
    return this.#answered(this.top, value)
  }

  failed(error: unknown): unknown {
    return error === CUT ? this.#goOutside(onAnswer.bind(this), onFailure.bind(this)) : this.#failed(this.top, error)
  }

  #goOutside(answered: (value: unknown) => unknown, failed: (error: unknown) => unknown): unknown {
    const ended = this.call.leftRunning()
    this.#pending!.then(answered, failed).then(ended, ended)
    const { outer, error } = this.#cut!
    return outer.#failed(outer.top, error)
  }

  #answered(from: number, value: unknown): unknown {
    const { call, bottom } = this
    const { steps } = this.chain
    let at = from
    let answer = value
    try {
      for (; at >= bottom; at--) {
        const said = steps[at]!.answered(call, this.#kept(at), answer, this)
        if (said === answer) continue // the usual case: one look less at what it is
        if (isPromiseLike(said)) return this.#settle(at - 1, said)
        answer = said
      }
    } catch (error) {
      return this.#failed(at - 1, error)
    }
    return answer
  }

  #failed(from: number, error: unknown): unknown {
    const { call, bottom } = this
    const { steps } = this.chain
    let at = from
    let reason = error
    for (; at >= bottom; at--) {
      let answer: unknown
      try {
        answer = steps[at]!.failed(call, this.#kept(at), reason, this)
      } catch (other) {
        reason = other
        continue
      }
      if (answer === GOES_ON) continue
      return this.#settle(at - 1, answer)
    }
    return new Failure(reason)
  }
}

// Bound to a passage: smaller than closures, and quicker at their first call, which is their last.
function onAnswer(this: Passage, value: unknown): unknown {
  return this.answered(value)
}

function onFailure(this: Passage, error: unknown): unknown {
  return this.failed(error)
}
