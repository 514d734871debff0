/** Which priority a request goes to, and whether that priority panics: Envoy's load_balancer_impl. */
import type { Level } from './host-set.ts'

/** How much more than its share a priority is thought to bear, percent. */
const OVERPROVISION = 140

export interface Loads {
  /** Share of each priority, percent; together 100 (all 0 when there is nobody). */
  readonly load: readonly number[]
  readonly panic: readonly boolean[]
}

/** Works out loads and panic. `threshold`: percent of healthy hosts below which a priority panics; 0: never. */
export function priorityLoads(levels: readonly Level[], threshold: number): Loads {
  const health = levels.map(l =>
    l.hosts.length === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISION * l.healthy.length) / l.hosts.length)),
  )
  const total = Math.min(
    100,
    health.reduce((sum, h) => sum + h, 0),
  )
  const panic = levels.map(l => total < 100 && l.hosts.length > 0 && (100 * l.healthy.length) / l.hosts.length < threshold)
  const load = levels.map(() => 0)
  if (levels.length === 0) return { load, panic }
  if (total === 0) {
    const all = levels.reduce((sum, l) => sum + l.hosts.length, 0)
    if (all > 0 && levels.every((l, i) => l.hosts.length === 0 || panic[i])) {
      let rest = 100
      levels.forEach((l, i) => {
        load[i] = Math.floor((100 * l.hosts.length) / all)
        rest -= load[i]!
      })
      const first = levels.findIndex(l => l.hosts.length > 0)
      load[first] = load[first]! + rest
    } else load[0] = 100
    return { load, panic }
  }
  let rest = 100
  health.forEach((h, i) => {
    load[i] = Math.min(rest, Math.floor((h * 100) / total))
    rest -= load[i]!
  })
  const first = health.findIndex(h => h > 0)
  load[first] = load[first]! + rest
  return { load, panic }
}

/** The priority for a number of [0, 100). */
export function choosePriority(loads: Loads, roll: number): number {
  let sum = 0
  for (let i = 0; i < loads.load.length; i++) {
    sum += loads.load[i]!
    if (roll + 1 <= sum) return i
  }
  return 0
}
