/** Policies by name, for those who operate them: shared configurations, tags, iteration, and one place to listen to. */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import { Emitter, type EventNames, type ListenOptions, noEvent } from '../../core/events.ts'
import { clock, random } from '../../core/schema/around.ts'
import { anything, map, readOptions, string } from '../../core/schema/index.ts'
import { signalIssue, whenAborted } from '../../core/signal.ts'
import { Configurations } from './configurations.ts'
import {
  type Configuration,
  everyEvent,
  hasEvent,
  type Kept,
  KINDS,
  type Kind,
  type MadeKind,
  make,
  type Policies,
  type PolicyEvents,
} from './kinds.ts'

export type { Configuration, Kind, Policies }

export type Tags = Readonly<Record<string, string>>

/** A policy and what the registry knows of it. */
export type RegistryEntry = {
  [K in Kind]: {
    readonly kind: K
    readonly name: string
    /** Name of the configuration it was made from; `''` when it was made elsewhere and put in: configurations leave it alone. */
    readonly config: string
    readonly tags: Tags
    readonly policy: Policies[K]
  }
}[Kind]

interface OwnEvents {
  added: RegistryEntry
  removed: RegistryEntry
  /** `entry` is the new one. */
  replaced: { readonly entry: RegistryEntry; readonly old: RegistryEntry }
  /** A configuration was set; the policies made from it have followed. */
  configured: { readonly config: string }
}

/** The registry's own events, and those of all its policies together with the entry they come from. */
export type RegistryEvents = OwnEvents & { [T in keyof PolicyEvents]: { readonly entry: RegistryEntry; readonly event: PolicyEvents[T] } }

/** Gets the policy of that name, or makes it from a configuration (by name) or from options on top of `default`. One that exists is given as it is. */
type Obtain<K extends MadeKind> = (name: string, how?: string | Configuration[K], tags?: Tags) => Policies[K]

export type Registry = { readonly [K in MadeKind]: Obtain<K> } & Iterable<RegistryEntry> & {
    /** The policy of that name, when there is one. */
    get<K extends Kind>(kind: K, name: string): Policies[K] | undefined
    entries(kind?: Kind): RegistryEntry[]
    /** False: there was none. Calls under way end as they are. */
    remove(kind: Kind, name: string): boolean
    /** Puts a policy made elsewhere under a name: also a `fallback` or a `loadShedder`, which only code can make. */
    replace<K extends Kind>(kind: K, name: string, policy: Policies[K], tags?: Tags): void
    /** Sets a named configuration; policies made from it take the new options and keep what they have counted. Throws an OptionsError, and changes nothing, when one is wrong. */
    configure(config: string, configuration: Configuration): void
    configuration(config: string): Configuration
    /** Names of the configurations. */
    readonly configs: readonly string[]
    on<T extends keyof RegistryEvents>(type: T, listener: (event: RegistryEvents[T]) => void, options?: ListenOptions): () => void
  }

export interface RegistryOptions {
  /** Configurations by name. The others stand on `default`: they say only what they have other than it. */
  configs?: Readonly<Record<string, Configuration>> | undefined
  /** Tags that all policies get. */
  tags?: Tags | undefined
  clock?: Clock | undefined
  random?: Random | undefined
}

const registryFields = {
  configs: anything<Readonly<Record<string, Configuration>>>('Configurations by name.'),
  tags: map('Tags that all policies get.', string('A value.')),
  clock,
  random,
} as const

type Entry = RegistryEntry & { policy: Kept; own: object; offs: Map<object, () => void> }
/** Made here, from a configuration. */
type Configured = Entry & { kind: MadeKind }

/**
 * Makes a registry.
 *
 * @throws OptionsError when a configuration is wrong; it says which and where.
 * @example
 * const all = registry({ configs: { default: { circuitBreaker: { slidingWindowSize: 50 } }, slow: { timeLimiter: { timeoutDuration: '10s' } } } })
 * const guard = pipeline(all.circuitBreaker('users'), all.timeLimiter('users', 'slow'))
 * all.on('transition', ({ entry, event }) => console.log(entry.name, event.to))
 * all.circuitBreaker('users').forceOpen() // => users FORCED_OPEN
 */
export function registry(options: RegistryOptions = {}): Registry {
  const { configs = {}, tags: shared = {}, clock, random } = readOptions(registryFields, options, 'registry')
  const configurations = new Configurations(configs)
  const kept = new Map<string, Entry>()
  const events = new Emitter<OwnEvents>('registry', OWN)
  /** Who listens to the events of policies: also to those that are made later. */
  const forwarded = new Set<{ type: string; listener: (event: any) => void }>()
  const id = (kind: Kind, name: string) => `${kind} ${name}`

  const hear = (entry: Entry) => {
    for (const forward of forwarded) listenTo(entry, forward)
  }
  const listenTo = (entry: Entry, forward: { type: string; listener: (event: any) => void }) =>
    hasEvent(entry.kind, forward.type) &&
    entry.offs.set(
      forward,
      entry.policy.on(forward.type, event => forward.listener({ entry: shown(entry), event })),
    )
  const silence = (entry: Entry) => {
    for (const off of entry.offs.values()) off()
    entry.offs.clear()
  }
  const keep = (kind: Kind, name: string, config: string, policy: object, tags: Tags, own = {}): Entry => {
    const entry = { kind, name, config, tags: { ...shared, ...tags }, policy, own, offs: new Map() } as unknown as Entry
    kept.set(id(kind, name), entry)
    hear(entry)
    return entry
  }
  const obtain = (kind: MadeKind, name: string, how: string | object = 'default', tags: Tags = {}) => {
    const known = kept.get(id(kind, name))
    if (known !== undefined) return known.policy
    const [config, own] = typeof how === 'string' ? [how, {}] : ['default', { ...how }]
    const policy = make(kind, configurations.options(kind, config, own), { name, clock, random })
    const entry = keep(kind, name, config, policy, tags, own)
    events.emit('added', shown(entry))
    return policy
  }
  const entries = (kind?: Kind) => [...kept.values()].filter(entry => kind === undefined || entry.kind === kind).map(shown)

  const result: Omit<Registry, MadeKind | 'configs'> = {
    get: (kind, name) => kept.get(id(kind, name))?.policy as any,
    entries,
    [Symbol.iterator]: () => entries()[Symbol.iterator](),
    remove(kind, name) {
      const entry = kept.get(id(kind, name))
      if (entry === undefined) return false
      kept.delete(id(kind, name))
      silence(entry)
      events.emit('removed', shown(entry))
      return true
    },
    replace(kind, name, policy, tags) {
      const old = kept.get(id(kind, name))
      if (old !== undefined) silence(old)
      const entry = keep(kind, name, '', policy, tags ?? old?.tags ?? {})
      if (old === undefined) events.emit('added', shown(entry))
      else events.emit('replaced', { entry: shown(entry), old: shown(old) })
    },
    configure(config, configuration) {
      const affected = [...kept.values()].filter(
        (entry): entry is Configured => entry.config !== '' && (entry.config === config || config === 'default'),
      )
      const optionsOf = ({ kind, config: from, own }: Configured) => configurations.options(kind, from, own)
      const before = affected.map(optionsOf)
      const old = configurations.names.includes(config) ? configurations.get(config) : undefined
      configurations.set(config, configuration)
      try {
        for (const entry of affected) make(entry.kind, optionsOf(entry), { name: entry.name })
      } catch (error) {
        configurations.set(config, old!) // somebody stands on it, so there was one
        throw error
      }
      affected.forEach((entry, i) => {
        // What was set and is not any more goes back to its default.
        const unset = Object.fromEntries(Object.keys(before[i]!).map(key => [key, undefined]))
        entry.policy.update({ ...unset, ...optionsOf(entry) })
      })
      events.emit('configured', { config })
    },
    configuration: config => configurations.get(config),
    on(type: string, listener: (event: any) => void, listening?: ListenOptions) {
      if (Object.hasOwn(OWN, type)) return events.on(type as keyof OwnEvents, listener, listening)
      const known = everyEvent()
      if (!known.includes(type)) throw noEvent('registry', type, [...Object.keys(OWN), ...known])
      if (typeof listener !== 'function') throw new TypeError(`on(${JSON.stringify(type)}): the listener is not a function`)
      const issue = signalIssue(listening, `on(${JSON.stringify(type)})`)
      if (issue !== undefined) throw issue
      if (listening?.signal?.aborted) return () => {}
      const forward = { type, listener }
      forwarded.add(forward)
      for (const entry of kept.values()) listenTo(entry, forward)
      const off = () => {
        forwarded.delete(forward)
        for (const entry of kept.values()) {
          entry.offs.get(forward)?.()
          entry.offs.delete(forward)
        }
        unlisten?.()
      }
      const unlisten = listening?.signal && whenAborted(listening.signal, off)
      return off
    },
  }
  for (const kind of KINDS)
    Object.assign(result, { [kind]: (name: string, how?: string | object, tags?: Tags) => obtain(kind, name, how, tags) })
  return Object.defineProperty(result, 'configs', { get: () => configurations.names, enumerable: true }) as unknown as Registry
}

const OWN: EventNames<OwnEvents> = { added: 1, removed: 1, replaced: 1, configured: 1 }

const shown = ({ kind, name, config, tags, policy }: Entry) => ({ kind, name, config, tags, policy }) as unknown as RegistryEntry
