/**
 * Long work in short slices, so that calls in flight are not held up by it. Work is written as a generator that yields where it may be
 * interrupted; run at once it costs nothing more, run in slices it lets the event loop turn between them.
 */
import { systemClock } from './clock.ts'
import { runInNextTurn } from './event-loop.ts'

/** Work that may be interrupted wherever it yields. */
export type Steps<T> = Generator<void, T, void>

/** Runs work to its end without a pause. */
export function runNow<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Runs work in slices of about `sliceMs`; what fits into one slice is done before this returns to its caller's caller. */
export async function runInSlices<T>(steps: Steps<T>, sliceMs = 6, now: () => number = systemClock.now, pause = nextTurn): Promise<T> {
  let end = now() + sliceMs
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (now() < end) continue
    await pause()
    end = now() + sliceMs
  }
}

/** Resolves when the event loop has turned once: what was waiting has had its chance. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => runInNextTurn(resolve))
}
