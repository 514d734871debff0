/** Durations as Go and Istio write them (`1h30m`, `250ms`, `0.5s`), and as milliseconds in code. */

/** Milliseconds (code only), or a Go duration string. */
export type Duration = number | string

/** The longest duration, about 285 years: what a number holds exactly. In options: no bound. */
export const LONGEST_MS = 9_007_199_254_740_991

/** Nanoseconds of each unit: whole numbers, so that '0.1s' is 100 ms and not 100.00000000000001. */
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 }

/** Reads a Go duration. `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  const unsigned = text.replace(/^[+-]/, '')
  let total = 0
  const left = unsigned.replace(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g, (_, value, unit) => {
    total += Number(value) * UNITS[unit]!
    return ''
  })
  if (unsigned === '0') return 0
  if (unsigned === '' || left !== '') return undefined
  const ms = Math.round(total) / 1e6
  return text.startsWith('-') ? -ms : ms
}

/** Milliseconds of a duration. Throws a `RangeError` that says what was expected. */
export function toMs(duration: Duration, what = 'duration'): number {
  const ms = typeof duration === 'string' ? parseDuration(duration) : duration
  if (Number.isFinite(ms)) return ms as number
  const given =
    typeof duration === 'string' ? JSON.stringify(duration) : typeof duration === 'number' ? duration : `of type ${typeof duration}`
  throw new RangeError(`${what}: ${given} is not a duration; expected milliseconds or a string like "250ms", "1m30s"`)
}

/** The shortest Go form of a number of milliseconds: 1500 is `1.5s`, 250 is `250ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const sign = ms < 0 ? '-' : ''
  let rest = Math.abs(ms)
  if (rest < 1) return `${sign}${trim(rest * 1000)}us`
  if (rest < 1000) return `${sign}${trim(rest)}ms`
  let text = ''
  if (rest >= 3_600_000) {
    text += `${Math.floor(rest / 3_600_000)}h`
    rest %= 3_600_000
  }
  if (rest >= 60_000) {
    text += `${Math.floor(rest / 60_000)}m`
    rest %= 60_000
  }
  if (rest > 0) text += `${trim(rest / 1000)}s`
  return sign + text
}

function trim(value: number): string {
  return String(Math.round(value * 1e6) / 1e6)
}
