/** The window that CLOSED and METRICS_ONLY count in: its shape, its minimum, and how one of another shape takes over what was counted. */
import { CountWindow } from '../../base/stats/count-window.ts'
import { TimeWindow } from '../../base/stats/time-window.ts'
import type { Window } from '../../base/stats/window.ts'
import { type CircuitBreakerSettings, slices } from './options.ts'

export function fullWindow(settings: CircuitBreakerSettings, now: number): Window {
  return settings.slidingWindowType === 'COUNT_BASED'
    ? new CountWindow(settings.slidingWindowSize)
    : new TimeWindow(slices(settings), settings.slidingWindowSliceDuration, now)
}

/** A window of calls cannot ask for more of them than it holds; one of time may. */
export function fullMinimum({ slidingWindowType, slidingWindowSize, minimumNumberOfCalls }: CircuitBreakerSettings): number {
  return slidingWindowType === 'COUNT_BASED' ? Math.min(minimumNumberOfCalls, slidingWindowSize) : minimumNumberOfCalls
}

/** The window of new settings with what the old one has counted; the old one itself when its shape is still right. */
export function reshaped(old: Window, before: CircuitBreakerSettings, settings: CircuitBreakerSettings, now: number): Window {
  const same =
    before.slidingWindowType === settings.slidingWindowType &&
    before.slidingWindowSize === settings.slidingWindowSize &&
    before.slidingWindowSliceDuration === settings.slidingWindowSliceDuration
  return same ? old : takeOver(old, now, from => fullWindow(settings, from))
}

/** A window that `make` gives for the time of the oldest call, with all that the old one holds, oldest first. */
export function takeOver(old: Window, now: number, make: (from: number) => Window): Window {
  let window: Window | undefined
  old.visit(now, (outcome, calls, at) => {
    window ??= make(at)
    for (let i = 0; i < calls; i++) window.record(outcome, at)
  })
  return window ?? make(now)
}
