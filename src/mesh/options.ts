/** What a mesh is made from. Described once: names, types, checks, defaults and the table in the docs all come from here. */
import type { Clock } from '../base/time/clock.ts'
import type { Random } from '../base/time/random.ts'
import type { Resolver } from '../core/resolver.ts'
import {
  anything,
  array,
  boolean,
  duration,
  hook,
  type InputOf,
  integer,
  map,
  type OptionsOf,
  object,
  oneOf,
  provided,
  size,
  string,
} from '../core/schema/index.ts'
import type { Source } from '../core/source.ts'
import type { Transport } from '../core/transport.ts'
import type { TypedRules } from '../rules/istio/typed-rules.ts'
import type { endpointFields } from '../traffic/upstream/factories/options/endpoint.ts'
import { nativeClusterFields } from '../traffic/upstream/native.ts'

/** YAML text (several documents allowed), a parsed document, or an array of both. */
export type RuleInput = string | object | readonly (string | object)[]

export const workloadFields = {
  namespace: string('Kubernetes namespace; short host names are completed with it.', { default: 'default' }),
  labels: map('Labels that `sourceLabels` and workload selectors look at.', string(''), { default: {} }),
  locality: string('`region/zone/subzone`, for locality load balancing. Without it no endpoint is nearer than another.'),
  domain: string('DNS domain of the cluster.', { default: 'cluster.local' }),
} as const

export const meshFields = {
  rules: anything<RuleInput>(
    'The first set of rules of the apply source: YAML text, a document, or a list of both. Wrong rules throw a `RuleError` with all diagnostics. Default: none.',
  ),
  sources: array(
    'Where more rules come from. Each owns its own set; `mesh.ready()` waits for them.',
    provided<Source>('', ['start'], 'files("./rules"); rules themselves are given as `rules`'),
    { default: [] },
  ),
  workload: object('Who calls: rules may look at it.', workloadFields, { default: {} }),
  meshConfig: anything<string | object>("Istio's MeshConfig, as an object or YAML text. Default: Istio's own defaults."),
  strict: boolean('Whether unknown fields and dangling references are errors; otherwise they are warnings.', { default: false }),
  discovery: object(
    'Where endpoints come from that no rule lists.',
    {
      unlisted: oneOf(
        'What a host with rules but without endpoints does: `dns` resolves its own name; with `none` it has no endpoint.',
        ['dns', 'none'],
        {
          default: 'dns',
        },
      ),
      resolver: provided<Resolver>("How names become addresses. Default: the system's resolver.", ['resolve']),
    },
    { default: {} },
  ),
  mode: oneOf(
    '`observe` decides and counts, and lets requests go ungoverned, `outcomeOf(response)` saying what would have happened; `off`: requests pass ungoverned and uncounted. Default `enforce`; beside an Istio sidecar (ISTIO_META_* in the environment) `observe`.',
    ['enforce', 'observe', 'off'],
  ),
  faults: boolean('Whether the faults that rules inject are injected; `false` turns every one off.', { default: true }),
  requestOverrides: boolean(
    "Whether `x-envoy-retry-on`, `-max-retries`, `-upstream-rq-timeout-ms`, `-expected-rq-timeout-ms` and their kin on the application's requests are obeyed. They never reach the upstream.",
    { default: false },
  ),
  localReplies: oneOf(
    'How the mesh answers what goes wrong: `response`, as Envoy does (503, 504 …); or `throw`: fetch rejects with an error that says why.',
    ['response', 'throw'],
    {
      default: 'response',
    },
  ),
  processes: integer('How many processes or worker threads share the limits of the connection pools: each takes its part.', {
    default: 1,
    min: 1,
  }),
  clusters: map(
    "What Istio cannot say of a destination: active health checks, and the rest of Envoy's outlier detection. By `host`, `host|subset`, `host|subset|port`, or `*` for all (hosts in full, e.g. `reviews.default.svc.cluster.local`).",
    object('', nativeClusterFields),
    { default: {} },
  ),
  clock: provided<Clock>("Whose time everything uses. Default: the machine's.", ['now', 'wall', 'schedule'], 'virtualClock()'),
  random: hook<Random>("Gives numbers in [0, 1). Default: the machine's."),
  transport: provided<Transport>(
    'How bytes reach an endpoint. Default on Node: connections of our own.',
    ['connect'],
    'nodeTransport() or fetchTransport()',
  ),
  limits: object(
    'Bounds of what the mesh itself keeps.',
    {
      abandonedBodyTimeout: duration('How long an unread body may hold its connection.', { default: '30s', min: 0 }),
      retryBufferLimit: size(
        'How much of a streamed request body is kept so that it can be sent again; a larger one is sent once and not retried.',
        { default: '1Mi' },
      ),
      dynamicHosts: integer('Hosts that only traffic brings and that are remembered.', { default: 1000, min: 1 }),
      history: integer('Versions of the rules that are kept for `rollback`.', { default: 20, min: 1 }),
    },
    { default: {} },
  ),
} as const

/** What a mesh is made from. Wrong options throw an `OptionsError` that names every fault, wrong rules a `RuleError` with all diagnostics. */
export interface MeshOptions extends InputOf<typeof meshFields> {}

/** Options of a mesh whose rules the compiler looks at: a document of one of our kinds must have the fields of its kind. */
export type TypedMeshOptions<O> = O extends { readonly rules?: infer R }
  ? Omit<MeshOptions, 'rules'> & {
      /**
       * The first set of rules of the apply source: YAML text, a document, or a list of both. Wrong rules throw a `RuleError` with all
       * diagnostics. Default: none.
       */
      rules?: TypedRules<R> | undefined
    }
  : O extends object
    ? MeshOptions
    : O

export type MeshSettings = OptionsOf<typeof meshFields>

/** Who calls: rules may look at it. */
export interface WorkloadOptions extends InputOf<typeof workloadFields> {}

/** How far the rules take effect. */
export type Mode = NonNullable<MeshOptions['mode']>

/** An endpoint as `setEndpoints` takes it. */
export interface EndpointInput extends InputOf<typeof endpointFields> {}

// Of the methods.
export const changeFields = {
  ifVersion: integer('Refused with a `conflict` when another version is in force. Default: never refused for that.', { min: 0 }),
} as const
export const planFields = {
  patch: boolean('Whether the documents are taken as `patch` takes them, one by one, not as `apply` does.', { default: false }),
} as const
export const readyFields = { timeout: duration('Rejects when it takes longer. Default: waits as long as it takes.', { min: 0 }) } as const
export const ejectFields = {
  for: duration('Comes back by itself after this time. Default: at `uneject`.', { min: 0, above: true }),
} as const
export const closeFields = {
  drain: duration('How long open requests may take to finish; they are cut then. Default: they finish in their own time.', { min: 0 }),
} as const

/** Only if nobody was faster. */
export interface ChangeOptions extends InputOf<typeof changeFields> {}
/** As what a plan is made. */
export interface PlanOptions extends InputOf<typeof planFields> {}
/** How long to wait for the sources. */
export interface ReadyOptions extends InputOf<typeof readyFields> {}
/** How long an endpoint is taken out. */
export interface EjectOptions extends InputOf<typeof ejectFields> {}
/** How a mesh ends. */
export interface CloseOptions extends InputOf<typeof closeFields> {}

/** The result of `apply`, `patch` and `rollback`. */
export type Applied<D> =
  | { accepted: true; version: number; warnings: readonly D[] }
  | {
      accepted: false
      errors: readonly D[]
      warnings: readonly D[]
      /** Set when `ifVersion` named another version than the one in force. */
      conflict?: { expected: number; actual: number }
    }
