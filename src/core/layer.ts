/**
 * What stands around a call. Most policies only let calls in and hear how they ended: they are steps (step.ts). One that takes the call
 * over (starts it twice, answers without it) is a layer: a plain function that is given the rest of the call once, at link time.
 */
import type { Next } from './next.ts'
import { linkSteps, type Step } from './step.ts'

/** A policy's place in a chain: given the rest once, at link time. */
export type Layer = (next: Next) => Next

/** A policy's place, in either form. */
export type Part = Step | Layer

/** Links parts, the first outermost, round `next`. Steps in a row become one chain; `outermost`: how those that nothing stands around do. */
export function link(parts: readonly Part[], next: Next, outermost = linkSteps): Next {
  let rest = next
  let steps: Step[] = []
  const flush = (chain = linkSteps) => {
    if (steps.length > 0) rest = chain(steps, rest)
    steps = []
  }
  for (const part of [...parts].reverse())
    if (typeof part === 'function') {
      flush()
      rest = part(rest)
    } else steps.unshift(part)
  flush(outermost)
  return rest
}
