/** What a mesh is made from. */
import type { Size } from '../base/formats/size.ts'
import type { Clock } from '../base/time/clock.ts'
import type { Duration } from '../base/time/duration.ts'
import type { Random } from '../base/time/random.ts'
import type { Resolver } from '../core/resolver.ts'
import type { Source } from '../core/source.ts'
import type { Transport } from '../core/transport.ts'
import type { NativeOptions } from '../traffic/upstream/native.ts'

/** YAML text (several documents allowed), a parsed document, or an array of both. */
export type RuleInput = string | object | readonly (string | object)[]

/** Who calls: rules may look at it. */
export interface WorkloadOptions {
  /** Kubernetes namespace; short host names are completed with it. Default `default`. */
  namespace?: string | undefined
  /** Labels that `sourceLabels` and workload selectors look at. */
  labels?: Record<string, string> | undefined
  /** `region/zone/subzone`, for locality load balancing. */
  locality?: string | undefined
  /** DNS domain of the cluster. Default `cluster.local`. */
  domain?: string | undefined
}

export const MODES = ['enforce', 'observe', 'off'] as const

/** How far the rules take effect. */
export type Mode = (typeof MODES)[number]

export interface MeshOptions {
  /** The first set of rules of the apply source. Wrong rules throw a `RuleError` with all diagnostics. */
  rules?: RuleInput | undefined
  /** Where more rules come from, e.g. `files('./rules', { watch: true })`. Each owns its own set; `mesh.ready()` waits for them. */
  sources?: readonly Source[] | undefined
  workload?: WorkloadOptions | undefined
  /** Istio's MeshConfig, as an object or YAML text. */
  meshConfig?: string | object | undefined
  /** Unknown fields and dangling references are errors. Default `false`. */
  strict?: boolean | undefined
  discovery?:
    | {
        /** `dns` (default): a host with rules but without endpoints resolves its own name. `none`: it has no endpoint. */
        unlisted?: 'dns' | 'none' | undefined
        /** How names become addresses. Default: the system's resolver. */
        resolver?: Resolver | undefined
      }
    | undefined
  /**
   * `enforce`; `observe`: decides and counts, and lets the request go ungoverned, `outcomeOf(response)` saying what would have happened;
   * `off`: requests pass ungoverned and uncounted. Default `enforce`, beside an Istio sidecar (ISTIO_META_* in the environment) `observe`.
   */
  mode?: Mode | undefined
  /** `false` turns every injected fault off. Default `true`. */
  faults?: boolean | undefined
  /**
   * Whether `x-envoy-retry-on`, `-max-retries`, `-upstream-rq-timeout-ms`, `-expected-rq-timeout-ms` and their kin on the application's
   * requests are obeyed. They never reach the upstream. Default `false`, as behind Istio's listeners.
   */
  requestOverrides?: boolean | undefined
  /** `response` (default): what goes wrong is answered as Envoy answers. `throw`: local error replies reject instead. */
  localReplies?: 'response' | 'throw' | undefined
  /** How many processes or worker threads share the limits of the connection pools: each takes its part. Default 1. */
  processes?: number | undefined
  /**
   * What Istio cannot say of a destination: active health checks, and the rest of Envoy's outlier detection. By `host`, `host|subset`,
   * `host|subset|port`, or `*` for all (hosts in full, e.g. `reviews.default.svc.cluster.local`).
   */
  clusters?: NativeOptions | undefined
  clock?: Clock | undefined
  random?: Random | undefined
  transport?: Transport | undefined
  limits?:
    | {
        /** How long an unread body may hold its connection. Default 30s. */
        abandonedBodyTimeout?: Duration | undefined
        /** Bytes of a streamed request body that are kept so that it can be sent again; a larger one is sent once and not retried. Default 1Mi. */
        retryBufferLimit?: Size | undefined
        /** How many hosts that only traffic brings are remembered. Default 1000. */
        dynamicHosts?: number | undefined
        /** How many versions of the rules are kept for `rollback`. Default 20. */
        history?: number | undefined
      }
    | undefined
}

/** An endpoint as `setEndpoints` takes it. */
export interface EndpointInput {
  /** `ip:port`. */
  address: string
  labels?: Record<string, string> | undefined
  /** `region/zone/subzone`. */
  locality?: string | undefined
  /** 0 is asked first. Default 0. */
  priority?: number | undefined
  /** Default 1. */
  weight?: number | undefined
  /** Default `healthy`. A degraded one is asked when the healthy ones are too few. */
  health?: 'healthy' | 'degraded' | 'unhealthy' | undefined
}

/** Only if nobody was faster. */
export interface ChangeOptions {
  /** Refused with a `conflict` when another version is in force. */
  ifVersion?: number | undefined
}

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
