/**
 * Upstreams that exist only in a script: no socket, no port, and time only as the given clock has it. What a mesh does with answers,
 * delays, refusals and resets can be tested without waiting, and comes out the same every time.
 */
import { type Clock, systemClock } from '../base/time/clock.ts'
import type { Connection, ConnectionListener, ConnectTarget, Transport } from '../core/transport.ts'
import { FakeConnection, type FakeRequest } from './fake-connection.ts'
import type { FakeResponse, FakeStep } from './fake-step.ts'

export type { FakeResponse, FakeStep }

/** One step for ever, a list that is used up one by one (its last step stays), or a function of the request. */
export type FakeScript = FakeStep | readonly FakeStep[] | ((request: FakeRequest) => FakeStep | Promise<FakeStep>)

export interface FakeTransportOptions {
  /** Whose time delays and timeouts use; the same as the mesh's. Default: the machine's. */
  clock?: Clock
  /** ms that connecting takes. Default 0. */
  connectDelay?: number
}

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
 * @example
 * const clock = virtualClock()
 * const transport = fakeTransport({ '10.0.0.1:80': ['reset', { body: 'hello', delay: 20 }], '*': 'refuse' }, { clock })
 * const mesh = createMesh({ rules, clock, transport })
 */
export function fakeTransport(script: Readonly<Record<string, FakeScript>> = {}, options: FakeTransportOptions = {}): FakeTransport {
  const { clock = systemClock, connectDelay = 0 } = options
  const scripts = new Map(Object.entries(script))
  const used = new Map<string, number>()
  const requests: FakeRequest[] = []
  const open = new Set<FakeConnection>()
  let made = 0

  const scriptOf = (endpoint: string): FakeScript => scripts.get(endpoint) ?? scripts.get('*') ?? 'refuse'

  /** The next step of a list, used up unless it is the last. */
  const next = (endpoint: string, take: (step: FakeStep) => boolean): FakeStep | undefined => {
    const given = scriptOf(endpoint)
    if (typeof given === 'function') return undefined
    if (!isList(given)) return take(given) ? given : undefined
    const at = Math.min(used.get(endpoint) ?? 0, given.length - 1)
    const step = given[at]
    if (step === undefined) throw new TypeError(`the script of ${endpoint} is an empty list`)
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
      scripts.set(endpoint, given)
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
          if (typeof given === 'function') return given(request)
          // A step for connections that meets a connection which exists already breaks it.
          const step = next(address, () => true)!
          return step === 'refuse' || step === 'unreachable' ? 'reset' : step
        },
      })
      return connection
    },
  }
}

const isList = (script: FakeScript): script is readonly FakeStep[] => Array.isArray(script)
