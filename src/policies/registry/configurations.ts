/**
 * Named configurations. One says only what it has other than `default`, and what is written for a single policy goes on top of both. A set of
 * options is tried before it is taken, so a wrong one is refused with its place and changes nothing.
 */
import { OptionsError } from '../../core/errors.ts'
import { suggest } from '../../core/schema/read.ts'
import { type Configuration, KINDS, type MadeKind, make } from './kinds.ts'

export class Configurations {
  readonly #byName = new Map<string, Configuration>([['default', {}]])

  constructor(given: Readonly<Record<string, Configuration>>) {
    // `default` first: the others stand on it.
    if (given['default'] !== undefined) this.set('default', given['default'])
    for (const [name, configuration] of Object.entries(given)) if (name !== 'default') this.set(name, configuration)
  }

  get names(): string[] {
    return [...this.#byName.keys()]
  }

  get(name: string): Configuration {
    const found = this.#byName.get(name)
    if (found !== undefined) return found
    const near = suggest(name, this.names)
    throw new OptionsError(
      `registry: no configuration ${JSON.stringify(name)}; there are ${this.names.join(', ')}${near ? ` (${near})` : ''}`,
    )
  }

  /** Takes a configuration, or throws and keeps the one before. */
  set(name: string, configuration: Configuration): void {
    const unknown = Object.keys(configuration).find(kind => !(KINDS as string[]).includes(kind))
    if (unknown !== undefined) {
      const near = suggest(unknown, KINDS)
      throw new OptionsError(`registry: configs.${name}.${unknown}: unknown kind; expected ${KINDS.join(', ')}${near ? ` (${near})` : ''}`)
    }
    const before = this.#byName.get(name)
    this.#byName.set(name, structured(configuration))
    try {
      for (const affected of name === 'default' ? this.names : [name]) for (const kind of KINDS) this.#try(affected, kind)
    } catch (error) {
      if (before === undefined) this.#byName.delete(name)
      else this.#byName.set(name, before)
      throw error
    }
  }

  /** The options of a policy: its own on top of its configuration on top of `default`. */
  options(kind: MadeKind, name: string, own: object = {}): object {
    return { ...this.get('default')[kind], ...this.get(name)[kind], ...own }
  }

  #try(name: string, kind: MadeKind): void {
    try {
      make(kind, this.options(kind, name), { name: '' })
    } catch (error) {
      throw new OptionsError(`registry: configs.${name}.${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

/** A copy two levels deep: nobody changes a configuration from outside. */
const structured = (configuration: Configuration): Configuration =>
  Object.fromEntries(Object.entries(configuration).map(([kind, options]) => [kind, { ...options }]))
