/** Command lines by a table of options: what is written, what it means, and a clear word about what is wrong. */
import { suggest } from '../../core/schema/read.ts'
import { CliError, EXIT } from './around.ts'

export interface OptionSpec {
  /** `--name`. */
  readonly name: string
  /** One letter: `-n`. */
  readonly short?: string
  /** What its value is, in capitals; absent for a switch. */
  readonly value?: string
  /** The values it may have. */
  readonly of?: readonly string[]
  /** May be given several times. */
  readonly many?: true
  readonly text: string
}

export interface Args {
  /** What is no option. */
  readonly rest: readonly string[]
  has(name: string): boolean
  /** The last value. */
  get(name: string): string | undefined
  all(name: string): readonly string[]
}

/** Throws a `CliError` that names what is wrong and what was meant. */
export function parseArgs(argv: readonly string[], options: readonly OptionSpec[]): Args {
  const found = new Map<string, string[]>()
  const rest: string[] = []
  const queue = [...argv]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      rest.push(...queue)
      break
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word)
      continue
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const written = equals < 0 ? word : word.slice(0, equals)
    const option = options.find(o => written === `--${o.name}` || (o.short !== undefined && written === `-${o.short}`))
    if (option === undefined) {
      const names = options.map(o => `--${o.name}`)
      throw new CliError(EXIT.usage, `unknown option ${written}`, suggest(written, names) ?? `options here: ${names.join(', ')}`)
    }
    let value = equals < 0 ? undefined : word.slice(equals + 1)
    if (option.value === undefined) {
      if (value !== undefined) throw new CliError(EXIT.usage, `--${option.name} takes no value`)
      value = ''
    } else {
      value ??= queue.shift()
      if (value === undefined) throw new CliError(EXIT.usage, `--${option.name} needs a value`, `--${option.name} ${option.value}`)
      if (option.of !== undefined && !option.of.includes(value))
        throw new CliError(
          EXIT.usage,
          `--${option.name}: ${JSON.stringify(value)} is not one of ${option.of.join(', ')}`,
          suggest(value, option.of),
        )
    }
    const values = found.get(option.name)
    if (values === undefined) found.set(option.name, [value])
    else if (option.many) values.push(value)
    else throw new CliError(EXIT.usage, `--${option.name} is given twice`)
  }
  return {
    rest,
    has: name => found.has(name),
    get: name => found.get(name)?.at(-1),
    all: name => found.get(name) ?? [],
  }
}
