/** How hooks are asked: functions of the user's that must answer at once. A broken hook must not break calls, keep permits or end the process. */
import { report } from './events.ts'
import { isPromiseLike } from './next.ts'
import { show } from './schema/fault.ts'

/** The hook's answer. One that throws, or that returns a promise although nothing waits for it, is reported; then the answer is `otherwise`. */
export function askHook<A extends unknown[], R>(hook: (...args: A) => R, otherwise: R, ...args: A): R {
  let answer: R
  try {
    answer = hook(...args)
  } catch (error) {
    report(error)
    return otherwise
  }
  if (!isPromiseLike(answer)) return answer
  Promise.resolve(answer).then(undefined, report)
  report(new TypeError(`${hook.name || 'a hook'} returned a promise; hooks have to answer at once`))
  return otherwise
}

/** The hook's answer when it is a number from 0 to `max`; anything else is reported. */
export function askForNumber<A extends unknown[]>(hook: (...args: A) => number, otherwise: number, max: number, ...args: A): number {
  const answer: unknown = askHook(hook, otherwise, ...args)
  if (answer === otherwise || (typeof answer === 'number' && answer >= 0 && answer <= max)) return answer as number
  report(new TypeError(`${hook.name || 'a hook'} returned ${show(answer)}; expected a number of at least 0`))
  return otherwise
}
