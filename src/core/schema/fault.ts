/** What is wrong in an options object or a document, and where: all faults are gathered before anybody complains. */
import { OptionsError } from '../errors.ts'

/** Something wrong in an options object or a document. */
export interface Fault {
  /** Where, e.g. `waitDurationInOpenState` or `spec.http[0].timeout`. */
  readonly path: string
  /** What is wrong, what was expected. */
  readonly message: string
  /** How to mend it. */
  readonly hint?: string | undefined
  readonly kind: 'type' | 'range' | 'unknown' | 'missing' | 'value'
}

/** Where a value stands, and what has been found wrong so far. */
export class Place {
  readonly path: string
  /** In code there are functions, and milliseconds without a unit; in a document there are not. */
  readonly inCode: boolean
  readonly faults: Fault[]

  constructor(path: string, inCode: boolean, faults: Fault[] = []) {
    this.path = path
    this.inCode = inCode
    this.faults = faults
  }

  /** The place of a field. */
  field(key: string): Place {
    return new Place(join(this.path, key), this.inCode, this.faults)
  }

  /** The place of a list's item. */
  item(index: number): Place {
    return new Place(`${this.path}[${index}]`, this.inCode, this.faults)
  }

  fault(kind: Fault['kind'], message: string, hint?: string): undefined {
    this.faults.push({ path: this.path, kind, message, hint })
  }

  /** `expected`: what the value should have been, with its article. */
  wrong(value: unknown, expected: string, hint?: string): undefined {
    return this.fault('type', `${show(value)} is not ${expected}`, hint)
  }
}

/** Throws an `OptionsError` that names all faults, if there are any. */
export function refuse(what: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const hinted = new Set<string | undefined>([undefined])
  const said = faults.map(({ path, message, hint }) => {
    const first = !hinted.has(hint)
    hinted.add(hint)
    return `${path && `${path}: `}${message}${first ? ` (${hint})` : ''}`
  })
  throw new OptionsError(`${what}: ${said.join('; ')}`)
}

function join(path: string, key: string): string {
  const part = /^[A-Za-z_$][\w$-]*$/.test(key) ? key : JSON.stringify(key)
  return path === '' ? part : `${path}.${part}`
}

/** A value as a message shows it: as JSON, with what JSON has no word for by its name. */
export function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number' || typeof value === 'bigint') return `${value}${typeof value === 'bigint' ? 'n' : ''}`
  let text: string
  try {
    text =
      JSON.stringify(value, (_key, part) =>
        typeof part === 'function' ? part.name || 'function' : typeof part === 'bigint' ? `${part}n` : part,
      ) ?? String(value)
  } catch {
    text = 'an object that contains itself'
  }
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** "did you mean …" with the nearest known name, or nothing. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  const best = nearest(name, known)
  return best && `did you mean ${best}?`
}

/** The known name that is most like a mistyped one, if any is. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase(), least)
    if (d < least) {
      least = d
      best = candidate
    }
  }
  return best
}

/** How many letters must be put in, taken out or changed; at most `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
