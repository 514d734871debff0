/** Injected faults, as Envoy's fault filter rolls them: the delay first, then the abort, each on its own. */
import { parseDuration } from '../../base/time/duration.ts'
import type { HttpFault } from '../../envoy/index.ts'
import { selected } from '../routing/fraction.ts'
import type { Engine } from './engine.ts'
import { faultReply, type LocalReply } from './local-reply.ts'

/** ms to wait; 0 for not at all. */
export function delayOf(fault: HttpFault, random: number): number {
  return fault.delay !== undefined && selected(fault.delay.percentage, random) ? (parseDuration(fault.delay.fixedDelay ?? '0s') ?? 0) : 0
}

/** The answer instead of the upstream's, if this request is hit. */
export function abortOf(fault: HttpFault, random: number): LocalReply | undefined {
  const { abort } = fault
  return abort !== undefined && selected(abort.percentage, random) ? faultReply(abort.httpStatus, abort.grpcStatus) : undefined
}

/** Waits out an injected delay. What comes back is for a caller who leaves meanwhile. */
export function waitOut({ clock, stats }: Pick<Engine, 'clock' | 'stats'>, ms: number, passed: () => void): { cancel(): void } {
  stats['fault.delays_injected']++
  stats['fault.active_faults']++
  const ended = () => {
    stats['fault.active_faults']--
    passed()
  }
  const timer = clock.schedule(ms, ended, { keepAlive: true })
  return {
    cancel() {
      timer.cancel()
      stats['fault.active_faults']--
    },
  }
}
