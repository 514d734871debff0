/** Durations as Go and Istio write them (`1h30m`, `250ms`, `0.5s`), and as milliseconds in code. */

/** Milliseconds (code only), or a Go duration string. */
export type Duration = number | string

/** The longest duration, about 285 years: what a number holds exactly. In options: no bound. */
export const LONGEST_MS = 2 ** 53 - 1

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

/** Reads a Go duration. `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  let rest = text
  let sign = 1
  if (rest.startsWith('-') || rest.startsWith('+')) {
    if (rest.startsWith('-')) sign = -1
    rest = rest.slice(1)
  }
  if (rest === '0') return 0
  if (rest === '') return undefined
  let total = 0
  PART.lastIndex = 0
  while (PART.lastIndex < rest.length) {
    const part = PART.exec(rest)
    if (part === null) return undefined
    const value = Number(part[1])
    const unit = part[2]!
    // Whole seconds and more are multiplied, parts of a millisecond divided, so that '0.1s' is 100 and not 100.00000000000001.
    total += unit === 'ns' ? value / 1e6 : unit.length === 2 && unit !== 'ms' ? value / 1000 : value * UNITS[unit]!
  }
  return (sign * Math.round(total * 1e6)) / 1e6
}

/** Milliseconds of a duration. Throws a `RangeError` that says what was expected. */
export function toMs(duration: Duration, what = 'duration'): number {
  const ms = typeof duration === 'number' ? duration : parseDuration(duration)
  if (ms === undefined || !Number.isFinite(ms))
    throw new RangeError(`${what}: ${JSON.stringify(duration)} is not a duration; expected milliseconds or a string like "250ms", "1m30s"`)
  return ms
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
