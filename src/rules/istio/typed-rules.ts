/**
 * Rules as the compiler sees them. A document that says by its kind and apiVersion that it is one of ours has the fields of its kind, so
 * that a misspelt or mistyped one is an error where it is written. Text, other kinds and documents whose kind the compiler does not know
 * (read from JSON, made by a function) are taken as they are, and checked when they are loaded.
 */
import type { ResiliencePolicy } from './documents.ts'
import type { DestinationRule, ServiceEntry, Sidecar, VirtualService, WorkloadEntry } from './types.ts'

interface Documents {
  VirtualService: VirtualService
  DestinationRule: DestinationRule
  ServiceEntry: ServiceEntry
  WorkloadEntry: WorkloadEntry
  Sidecar: Sidecar
  ResiliencePolicy: ResiliencePolicy
}

/** A document of a kind, whose apiVersion may be known as text only. */
type DocumentOf<K extends keyof Documents, ApiVersion> = string extends ApiVersion
  ? Omit<Documents[K], 'apiVersion'> & { apiVersion: string }
  : Documents[K]

type TypedDocument<D> = D extends { kind: infer K extends keyof Documents }
  ? D extends { apiVersion: infer ApiVersion extends string }
    ? string extends ApiVersion
      ? DocumentOf<K, ApiVersion>
      : ApiVersion extends `networking.istio.io/${string}` | `meshless.dev/${string}`
        ? DocumentOf<K, ApiVersion>
        : D
    : DocumentOf<K, 'unknown'>
  : D

type TypedPart<P> = P extends string ? P : P extends object ? TypedDocument<P> : string | object

/** What rules of the type `R` must be: YAML text, a document, or a list of both. */
export type TypedRules<R> = R extends readonly unknown[]
  ? { readonly [I in keyof R]: TypedPart<R[I]> }
  : R extends object
    ? TypedDocument<R>
    : R extends string | undefined
      ? R
      : string | object | readonly (string | object)[]
