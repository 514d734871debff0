/** Looks at the limit behind it when a call arrives, and lets it pass or sheds it. A call that passes costs no object. */
import type { Clock } from '../../base/time/clock.ts'
import { reject, SheddedError } from '../../core/errors.ts'
import type { Emitter, EventNames } from '../../core/events.ts'
import { askForNumber, askHook } from '../../core/hooks.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { Shedder } from './kernel.ts'
import type { LoadShedderSettings } from './options.ts'

/** What a load shedder looks at. A bulkhead and an adaptive limit are such; anything else with a figure can be. */
export interface Load {
  /** Share of the limit in use; 1 and above: full. */
  utilisation(): number
  /** How long the call that goes next has waited, ms. Absent: nobody waits. */
  queueDelay?(): number
}

export interface LoadShedderEvents {
  /** A call was shed; those with a priority number up to `cutoff` pass. */
  shedded: { priority: number; cutoff: number; utilisation: number; queueDelayMs: number }
}
export const LOAD_SHEDDER_EVENTS: EventNames<LoadShedderEvents> = { shedded: 1 }

export class Gate {
  readonly load: Load
  readonly clock: Clock
  readonly events: Emitter<LoadShedderEvents>
  readonly name: string
  readonly shedder: Shedder
  settings: LoadShedderSettings
  admitted = 0
  shedded = 0

  constructor(load: Load, settings: LoadShedderSettings, clock: Clock, events: Emitter<LoadShedderEvents>, name: string) {
    this.load = load
    this.settings = settings
    this.clock = clock
    this.events = events
    this.name = name
    this.shedder = new Shedder(settings, clock.now())
  }

  utilisation(): number {
    const share = askHook(utilisationOf, 0, this.load)
    return share >= 0 ? share : 0
  }

  queueDelay(): number {
    const delay = askHook(queueDelayOf, 0, this.load)
    return delay >= 0 ? delay : 0
  }

  admits(priority: number, now: number): boolean {
    const utilisation = this.utilisation()
    const queueDelayMs = this.queueDelay()
    if (this.shedder.admits(priority, utilisation, queueDelayMs, now)) {
      this.admitted++
      return true
    }
    this.shedded++
    if (this.events.listening > 0)
      this.events.emit('shedded', { priority, cutoff: this.shedder.cutoff(utilisation, now), utilisation, queueDelayMs })
    return false
  }

  refusal(priority: number, now: number): SheddedError {
    const { name } = this
    const utilisation = this.utilisation()
    const cutoff = Math.floor(this.shedder.cutoff(utilisation, now))
    return reject(
      SheddedError,
      `load shedder${name === '' ? '' : ` ${name}`}: priority ${priority} is shed, at most ${cutoff} passes: ${Math.round(utilisation * 100)} % of the limit in use, calls wait ${Math.round(this.queueDelay())} ms`,
      { policy: name },
    )
  }

  update(settings: LoadShedderSettings): void {
    this.settings = settings
    this.shedder.change(settings, this.clock.now())
  }
}

const utilisationOf = (load: Load) => load.utilisation()
const queueDelayOf = (load: Load) => load.queueDelay?.() ?? 0

export function loadShedderStep(gate: Gate): Step<void> {
  return {
    admit(call) {
      const { priority: hook } = gate.settings
      const priority = hook === undefined ? call.priority : askForNumber(hook, call.priority, Number.MAX_VALUE, call)
      const now = call.admittedAt(gate.clock)
      if (!gate.admits(priority, now)) throw gate.refusal(priority, now)
    },
    answered: (_call, _pass, value) => value,
    failed: () => GOES_ON,
  }
}
