/** How requests are shared among priorities, and which of them panic: Envoy's load_balancer_impl, in whole percents as there. */
import type { Level } from './host-set.ts'

/** How much more than its share a priority is thought to bear, percent. */
const OVERPROVISION = 140

export interface Loads {
  /** Percent of the requests that go to the healthy hosts of each priority, and to the degraded ones; together 100. */
  readonly healthy: readonly number[]
  readonly degraded: readonly number[]
  /** Priorities of which all hosts are asked, whatever their health. */
  readonly panic: readonly boolean[]
  /** What each priority could bear by itself, percent. */
  readonly health: readonly number[]
  readonly degradedHealth: readonly number[]
}

/** Works out the loads. `threshold`: percent of usable hosts below which a priority panics; 0: never. */
export function priorityLoads(levels: readonly Level[], threshold: number): Loads {
  const bears = (usable: number, level: Level) =>
    level.hosts.length === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISION * usable) / level.hosts.length))
  const health = levels.map(level => bears(level.healthy.length, level))
  const degradedHealth = levels.map(level => bears(level.degraded.length, level))
  const total = Math.min(100, sum(health) + sum(degradedHealth))
  const panic = levels.map(() => false)
  let { healthy, degraded } = share(health, degradedHealth, total)
  if (levels.length === 0) return { healthy, degraded, panic, health, degradedHealth }
  if (total === 0 && threshold === 0) healthy[0] = 100
  else if (total < 100) {
    levels.forEach((level, i) => {
      panic[i] = usablePercent(level) < Math.min(100, threshold)
    })
    if (panic.every(Boolean)) {
      healthy = byCount(levels)
      degraded = levels.map(() => 0)
    }
  }
  return { healthy, degraded, panic, health, degradedHealth }
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

function usablePercent({ hosts, healthy, degraded }: Level): number {
  return hosts.length === 0 ? 0 : (100 * healthy.length) / hosts.length + (100 * degraded.length) / hosts.length
}

/** Healthy hosts take what they can, nearest priority first, then degraded ones; what rounding leaves goes to the first that has anybody. */
export function share(
  health: readonly number[],
  degradedHealth: readonly number[],
  total: number,
): { healthy: number[]; degraded: number[] } {
  let rest = 100
  const take = (bears: number) => {
    const load = total === 0 ? 0 : Math.min(rest, Math.floor((bears * 100) / total))
    rest -= load
    return load
  }
  const healthy = health.map(take)
  const degraded = degradedHealth.map(take)
  if (total > 0 && rest > 0) {
    const first = health.findIndex(h => h > 0)
    if (first >= 0) healthy[first]! += rest
    else degraded[degradedHealth.findIndex(h => h > 0)]! += rest
  }
  return { healthy, degraded }
}

/** In total panic nothing counts but how many hosts a priority has. */
function byCount(levels: readonly Level[]): number[] {
  const all = sum(levels.map(l => l.hosts.length))
  if (all === 0) return levels.map((_, i) => (i === 0 ? 100 : 0))
  const loads = levels.map(l => Math.floor((100 * l.hosts.length) / all))
  loads[levels.findIndex(l => l.hosts.length > 0)]! += 100 - sum(loads)
  return loads
}

/** The place for a number of [0, 100): a priority's index for its healthy hosts, `~index` for its degraded ones. */
export function choosePriority({ healthy, degraded }: Pick<Loads, 'healthy' | 'degraded'>, roll: number): number {
  let upTo = 0
  for (let i = 0; i < healthy.length; i++) {
    upTo += healthy[i]!
    if (roll < upTo) return i
  }
  for (let i = 0; i < degraded.length; i++) {
    upTo += degraded[i]!
    if (roll < upTo) return ~i
  }
  return 0
}
