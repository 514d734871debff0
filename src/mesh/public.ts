/** The mesh as its users hold it: the core with the ways in attached. */
import { currentFetch, markAsOurs } from '../base/platform.ts'
import type { BodyCare } from '../core/body.ts'
import type { ListenOptions } from '../core/events.ts'
import { readOptions } from '../core/schema/index.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { TypedRules } from '../rules/istio/typed-rules.ts'
import type { Handle } from '../traffic/engine/exchange.ts'
import type { GuardBreaker } from '../traffic/engine/guard.ts'
import type { AdminOptions, AdminServer } from './admin-options.ts'
import type { MeshEvents } from './events.ts'
import { type ExplainRequest, type Explanation, explain } from './explain.ts'
import type { Version } from './history.ts'
import type { MeshCore } from './mesh.ts'
import { observingFetch } from './observe.ts'
import {
  type Applied,
  type ChangeOptions,
  type CloseOptions,
  changeFields,
  type EjectOptions,
  type EndpointInput,
  type PlanOptions,
  planFields,
  type ReadyOptions,
  type RuleInput,
} from './options.ts'
import type { Plan } from './plan.ts'
import type { Settings } from './settings.ts'
import { type MeshSnapshot, snapshotOf } from './snapshot.ts'
import { thrown } from './thrown.ts'
import { handleOver } from './ungoverned.ts'

/** `await using`, where the consumer's library knows the symbol. */
export type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer S extends symbol }
  ? { [K in S]: () => Promise<void> }
  : unknown

export type Mesh = MeshMethods & AsyncDisposal

export interface MeshMethods {
  /**
   * Resolves when every source has delivered and every name has been looked up once. Rejects after `timeout`, and with a `RuleError` or the
   * source's own error when its first delivery could not be used.
   */
  ready(options?: ReadyOptions): Promise<void>
  /** WHATWG fetch, governed by the rules. */
  readonly fetch: typeof fetch
  /** An adapter for `axios.create({ adapter: mesh.axios() })`. */
  axios(): (config: any) => Promise<any>
  /** Replaces the rules as a whole, or changes nothing and says why. Calls queue up. */
  apply<const R = RuleInput>(rules: TypedRules<R>, options?: ChangeOptions): Promise<Applied<Diagnostic>>
  /**
   * Changes single documents of the apply source: one that is there under its kind, namespace and name is replaced, a new one is added,
   * one that says `$delete: true` is taken out. All of them, or none.
   *
   * @example
   * const mesh = createMesh({ rules })
   * const { accepted, version } = await mesh.patch({ kind: 'ServiceEntry', metadata: { name: 'reviews' }, $delete: true })
   * console.log(accepted, version) // => true 2
   */
  patch(rules: RuleInput, options?: ChangeOptions): Promise<Applied<Diagnostic>>
  /** What `apply` (or with `{ patch: true }` what `patch`) would change, and what would become of the state. Changes nothing. */
  plan(rules: RuleInput, options?: PlanOptions): Plan
  /** Brings back the rules of an earlier version, of all sources, as a new version. A source's next delivery replaces its set again. */
  rollback(version: number, options?: ChangeOptions): Promise<Applied<Diagnostic>>
  /** The versions that are kept, newest last. */
  history(): readonly Version[]
  /**
   * Replaces the endpoints of a cluster (`outbound|port|subset|host`, or `host|subset|port`) without touching rules. Their localities and
   * labels count as those of endpoints that rules list, unless one of them has a `priority`.
   *
   * @throws OptionsError that names every wrong endpoint, RangeError for a cluster that is not there.
   */
  setEndpoints(cluster: string, endpoints: readonly EndpointInput[]): void
  /** What would happen to a request, and why. */
  explain(request: ExplainRequest): Explanation
  /** Everything there is to see, as plain JSON. */
  snapshot(): MeshSnapshot
  /** A breaker of the mesh by hand; key: `host|subset|port`, or as in `snapshot().policies`. */
  breaker(key: string): GuardBreaker
  /** Takes an endpoint out, for a time or until `uneject`. */
  eject(cluster: string, address: string, options?: EjectOptions): void
  uneject(cluster: string, address: string): void
  /** Listens to events; gives back what stops it. */
  on<K extends keyof MeshEvents>(type: K, listener: (event: MeshEvents[K]) => void, options?: ListenOptions): () => void
  /**
   * Starts the admin API on 127.0.0.1: rules, explain, snapshot, events and control over HTTP; `meshless` on the command line speaks to it.
   * Reads are open, writes need the token. It ends with the mesh and keeps no process alive. Node only.
   *
   * @throws OptionsError for a wrong port or a token that is too short.
   * @example
   * const mesh = createMesh({ rules })
   * const { url } = await mesh.admin({ token: 'at-least-16-characters' })
   * await mesh.close()
   */
  admin(options?: AdminOptions): Promise<AdminServer>
  /** What was said about the rules in force. */
  readonly diagnostics: readonly Diagnostic[]
  /** Ends the mesh; open requests get `drain` to finish and are cut then, or finish in their own time without it. Later calls pass ungoverned. */
  close(options?: CloseOptions): Promise<void>
}

type MakeFetch = (handle: Handle, care: BodyCare) => typeof fetch
type AxiosAdapter = (handle: Handle, settings: Settings) => (config: any) => Promise<any>
/** Whoever joins the core without the admin API has none. */
const noAdmin: Admin = () => Promise.reject(new Error('this mesh was made without an admin API'))
type Admin = (core: MeshCore, options?: AdminOptions) => Promise<AdminServer>

/** Joins the core with the ways in. */
export function governed(core: MeshCore, makeFetch: MakeFetch, axiosAdapter: AxiosAdapter, admin: Admin = noAdmin): Mesh {
  const ungoverned = currentFetch()
  const throwing = core.settings.localReplies === 'throw'
  const handle: Handle = request => {
    const reply = core.handle(request)
    return throwing ? reply.then(thrown) : reply
  }
  const governedFetch = makeFetch(handle, core.settings)
  const observed = observingFetch(() => core.engine, ungoverned)
  /** Its name and length are those of the platform's, which some libraries look at. */
  const fetch = ((input: any, init: any = undefined) =>
    (core.mode === 'enforce' ? governedFetch : core.mode === 'observe' ? observed : ungoverned)(input, init)) as typeof globalThis.fetch
  markAsOurs(fetch)
  const ungovernedHandle = handleOver((input, init) => (core.mode === 'observe' ? observed : ungoverned)(input, init))
  const anyHandle: Handle = request => (core.mode === 'enforce' ? handle : ungovernedHandle)(request)
  return {
    ready: o => core.ready(o),
    fetch,
    axios: () => axiosAdapter(anyHandle, core.settings),
    apply: async (rules, o) => core.announced(core.rules.apply(rules as RuleInput, readOptions(changeFields, o, 'mesh.apply'))),
    patch: async (rules, o) => core.announced(core.rules.patch(rules, readOptions(changeFields, o, 'mesh.patch'))),
    plan: (rules, o) => core.rules.plan(rules, readOptions(planFields, o, 'mesh.plan')),
    rollback: async (version, o) => core.announced(core.rules.rollback(version, readOptions(changeFields, o, 'mesh.rollback'))),
    history: () => core.rules.history,
    setEndpoints: (cluster, endpoints) => core.setEndpoints(cluster, endpoints),
    explain: request => explain(core, request),
    snapshot: () => snapshotOf(core),
    breaker: key => core.breaker(key),
    eject: (cluster, address, o) => core.eject(cluster, address, o),
    uneject: (cluster, address) => core.uneject(cluster, address),
    on: (type, listener, o) => core.events.on(type, listener, o),
    admin: o => admin(core, o),
    get diagnostics() {
      return core.diagnostics
    },
    close: o => core.close(o),
    [Symbol.asyncDispose]: () => core.close(),
  }
}
