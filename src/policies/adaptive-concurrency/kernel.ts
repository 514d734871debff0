/**
 * How the limit follows the calls, as concurrency-limits does it: each algorithm is told how long a call took, how many ran when it began, and
 * whether it was dropped, and keeps an estimate. Times are nanoseconds, as there, so that nothing is rounded twice. No clock; chance is an argument.
 */
import type { Random } from '../../base/time/random.ts'
import { Aimd } from './aimd.ts'
import { Gradient2 } from './gradient2.ts'
import type { Limit } from './limit.ts'
import type { AdaptiveConcurrencySettings } from './options.ts'
import { Vegas } from './vegas.ts'
import { Windowed } from './windowed.ts'

/** Only set by hand. */
class Settable implements Limit {
  estimate = 0

  constructor(settings: AdaptiveConcurrencySettings) {
    this.change(settings)
  }

  sample(): void {}

  change({ limit, initialLimit }: AdaptiveConcurrencySettings): void {
    this.estimate = limit ?? initialLimit ?? 20
  }
}

/** Makes the algorithm. `estimate`: goes on from there instead of `initialLimit`. */
export function limitOf(settings: AdaptiveConcurrencySettings, random: Random, estimate = settings.initialLimit ?? 20): Limit {
  const limit = algorithm(settings, random, estimate)
  return settings.window === undefined ? limit : new Windowed(settings, limit)
}

function algorithm(settings: AdaptiveConcurrencySettings, random: Random, estimate: number): Limit {
  switch (settings.algorithm) {
    case 'aimd':
      return new Aimd(settings, estimate)
    case 'vegas':
      return new Vegas(settings, estimate, random)
    case 'gradient2':
      return new Gradient2(settings, estimate)
    case 'settable':
      return new Settable(settings)
  }
}
