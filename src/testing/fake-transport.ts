/**
 * Upstreams that exist only in a script: no socket, no port, and time only as the given clock has it. What a mesh does with answers,
 * delays, refusals and resets can be tested without waiting, and comes out the same every time.
 */
import { type Clock, systemClock } from '../base/time/clock.ts'
import { duration, type InputOf, provided, readOptions, refuse } from '../core/schema/index.ts'
import type { Connection, ConnectionListener, ConnectTarget, Transport } from '../core/transport.ts'
import { FakeConnection, type FakeRequest } from './fake-connection.ts'
import { type FakeResponse, type FakeStep, type PlayedStep, readStep } from './fake-step.ts'

export type { FakeResponse, FakeStep }

/** One step for ever, a list that is used up one by one (its last step stays), or a function of the request. */
export type FakeScript = FakeStep | readonly FakeStep[] | ((request: FakeRequest) => FakeStep | Promise<FakeStep>)

export const fakeTransportFields = {
  clock: provided<Clock>(
    "Whose time delays and timeouts use; the same as the mesh's. Default: the machine's.",
    ['now', 'schedule'],
    'virtualClock()',
  ),
  connectDelay: duration('How long connecting takes.', { default: 0, min: 0 }),
} as const

/** Options of `fakeTransport`. A wrong one throws an `OptionsError` that names every fault. */
export interface FakeTransportOptions extends InputOf<typeof fakeTransportFields> {}

export interface FakeTransport extends Transport {
  /** Everything that was sent, in order. */
  readonly requests: readonly FakeRequest[]
  /** Connections made so far, and how many are open. */
  readonly connections: { readonly made: number; readonly open: number }
  /** Changes what an endpoint does from now on. */
  script(endpoint: string, script: FakeScript): void
  /** Breaks every connection of an endpoint, as when its process dies. Combine with `script(endpoint, 'refuse')`. */
  kill(endpoint: string): void
}

/**
 * Makes a transport from a script: what each endpoint (`ip:port`; `'*'` for all others) does.
 *
 * @throws OptionsError naming every wrong step.
 * @example
 * const transport = fakeTransport({ '10.0.0.9:9080': 'refuse', '*': { body: 'hello', delay: 20 } })
 * const mesh = createMesh({ rules, transport })
 * const response = await mesh.fetch(url)
 * console.log(response.status, transport.requests[0].path) // => 200 /reviews/1
 */
export function fakeTransport(script: Readonly<Record<string, FakeScript>> = {}, options: FakeTransportOptions = {}): FakeTransport {
  const { clock = systemClock, connectDelay } = readOptions(fakeTransportFields, options, 'fakeTransport')
  const scripts = new Map<string, Played>(Object.entries(script).map(([endpoint, given]) => [endpoint, played(endpoint, given)]))
  const used = new Map<string, number>()
  const requests: FakeRequest[] = []
  const open = new Set<FakeConnection>()
  let made = 0

  const scriptOf = (endpoint: string): Played => scripts.get(endpoint) ?? scripts.get('*') ?? 'refuse'

  /** The next step of a list, used up unless it is the last. */
  const next = (endpoint: string, take: (step: PlayedStep) => boolean): PlayedStep | undefined => {
    const given = scriptOf(endpoint)
    if (typeof given === 'function') return undefined
    if (!isList(given)) return take(given) ? given : undefined
    const at = Math.min(used.get(endpoint) ?? 0, given.length - 1)
    const step = given[at]!
    if (!take(step)) return undefined
    used.set(endpoint, at + 1)
    return step
  }

  return {
    requests,
    connections: {
      get made() {
        return made
      },
      get open() {
        return open.size
      },
    },
    script(endpoint, given) {
      scripts.set(endpoint, played(endpoint, given))
      used.delete(endpoint)
    },
    kill(endpoint) {
      for (const connection of [...open]) if (connection.address === endpoint) connection.break()
    },
    connect(target: ConnectTarget, listener: ConnectionListener): Connection {
      const { address } = target
      made++
      const connection: FakeConnection = new FakeConnection(target, listener, clock, {
        connect: next(address, step => step === 'refuse' || step === 'unreachable') as 'refuse' | 'unreachable' | undefined,
        connectDelay,
        opened: () => open.add(connection),
        gone: () => open.delete(connection),
        answer(request) {
          requests.push(request)
          const given = scriptOf(address)
          if (typeof given === 'function') return Promise.resolve(given(request)).then(step => readStep(step, `the answer of ${address}`))
          // A step for connections that meets a connection which exists already breaks it.
          const step = next(address, () => true)!
          return step === 'refuse' || step === 'unreachable' ? 'reset' : step
        },
      })
      return connection
    },
  }
}

type Played = PlayedStep | readonly PlayedStep[] | Extract<FakeScript, (...args: never) => unknown>

const isList = (script: Played): script is readonly PlayedStep[] => Array.isArray(script)

function played(endpoint: string, script: FakeScript): Played {
  const wrong = (message: string, hint: string) =>
    refuse('fakeTransport', [{ path: JSON.stringify(endpoint), kind: 'value', message, hint }])
  if (endpoint !== '*' && !/^[/@]|:\d+$/.test(endpoint)) wrong('no endpoint has this address', 'expected "ip:port", or "*" for all others')
  if (typeof script === 'function') return script
  if (!Array.isArray(script)) return readStep(script, JSON.stringify(endpoint))
  if (script.length === 0) wrong('an empty list', 'give at least one step')
  return script.map((step, i) => readStep(step, `${JSON.stringify(endpoint)}[${i}]`))
}
