/** Faults on purpose: delays and aborts for a share of the calls, as Istio's HTTPFaultInjection describes them. */
import { type Clock, KEEP_ALIVE, systemClock } from '../../base/time/clock.ts'
import { type Random, systemRandom } from '../../base/time/random.ts'
import type { Call } from '../../core/call.ts'
import { FaultInjectedError } from '../../core/errors.ts'
import { type Policy, policy } from '../../core/policy.ts'
import { duration, type InputOf, integer, number, object, readOptions } from '../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../core/step.ts'

const percentage = object('Share of the calls. Without it the fault never fires, as in Istio.', {
  value: number('Percent.', { default: 0, min: 0, max: 100, unit: '%' }),
})

export const faultFields = {
  delay: object('Waits before the call.', { percentage, fixedDelay: duration('How long.', { required: true, min: 1 }) }),
  abort: object('Answers instead of the call.', { percentage, httpStatus: integer('The status it stands for.', { min: 200, max: 600 }) }),
} as const

export type FaultOptions = InputOf<typeof faultFields>

/** Whether a share of `percent` fires; Istio's millionths. */
const fires = (percent: number | undefined, random: Random) => Math.floor(random() * 1_000_000) < Math.trunc((percent ?? 0) * 10_000)

/**
 * Makes a fault injector: the delay is decided first, the abort by a roll of its own.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const chaos = faultInjector({ abort: { percentage: { value: 10 }, httpStatus: 503 } })
 */
export function faultInjector(
  options: FaultOptions = {},
  around: { name?: string; clock?: Clock; random?: Random } = {},
): Policy & { update(options: FaultOptions): void } {
  const { name = '', clock = systemClock, random = systemRandom } = around
  let settings = readOptions(faultFields, options, 'faultInjector')
  const wait = (call: Call, ms: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = clock.schedule(
        ms,
        () => {
          off()
          resolve()
        },
        KEEP_ALIVE,
      )
      const off = call.onAbort(reason => {
        timer.cancel()
        reject(reason)
      })
    })
  const abort = () => {
    const { abort } = settings
    if (abort !== undefined && fires(abort.percentage?.value, random))
      throw new FaultInjectedError(`fault filter abort: ${abort.httpStatus ?? 503} (injected${name === '' ? '' : ` by ${name}`})`, {
        status: abort.httpStatus ?? 503,
        policy: name,
      })
  }
  const step: Step<void> = {
    admit(call) {
      const { delay } = settings
      if (delay === undefined || !fires(delay.percentage?.value, random)) return abort()
      return wait(call, delay.fixedDelay).then(abort)
    },
    answered: (_call, _pass, value) => value,
    failed: () => GOES_ON,
  }
  return Object.assign(
    policy('faultInjector', name, step, () => ({ kind: 'faultInjector', name, options: { ...settings } })),
    {
      update(changed: FaultOptions) {
        settings = readOptions(faultFields, changed, 'faultInjector')
      },
    },
  )
}
