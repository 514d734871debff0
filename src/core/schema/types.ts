/** What a description of an option says, and the types that follow from it: what a user writes, and what the code works with. */
import type { Place } from './fault.ts'

/** Gives the value as the code gets it, or nothing when something was wrong with it, which `at` then knows. */
export type Reader = (value: unknown, at: Place, option: Option) => unknown

/** What every description has. `In` is what a user may write, `Out` what the code gets after defaults. */
export interface Option<In = any, Out = any> {
  readonly type:
    | 'number'
    | 'integer'
    | 'boolean'
    | 'string'
    | 'enum'
    | 'duration'
    | 'size'
    | 'function'
    | 'array'
    | 'object'
    | 'map'
    | 'union'
    | 'any'
  readonly read: Reader
  /** Meaning in one or two sentences. Stripped from the built package. */
  readonly text: string
  /** The value when nothing is written; in the user's form. */
  readonly default?: In | undefined
  readonly required?: boolean | undefined
  readonly unit?: string | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  /** The minimum itself is not allowed. */
  readonly above?: boolean | undefined
  /** Enum members. */
  readonly values?: readonly string[] | undefined
  readonly pattern?: RegExp | undefined
  /** Of arrays and maps. */
  readonly items?: Option | undefined
  readonly minItems?: number | undefined
  /** Of objects. */
  readonly fields?: Fields | undefined
  /** Of unions: tried in order. */
  readonly of?: readonly Option[] | undefined
  /** Of things that code provides: the methods they have, and an example of one. */
  readonly methods?: readonly string[] | undefined
  readonly example?: string | undefined
  /** Only in code, never in a document: hooks. */
  readonly codeOnly?: boolean | undefined
  /** Only for the type system. */
  readonly __in?: In
  readonly __out?: Out
}

export type Fields = Readonly<Record<string, Option>>

export type InOf<O> = O extends Option<infer I, any> ? I : never
export type OutOf<O> = O extends Option<any, infer T> ? T : never
type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends { readonly required: true } ? K : never }[keyof F]

/** What a user writes. */
export type InputOf<F extends Fields> = { -readonly [K in keyof F as K extends RequiredKeys<F> ? never : K]?: InOf<F[K]> | undefined } & {
  -readonly [K in keyof F as K extends RequiredKeys<F> ? K : never]: InOf<F[K]>
}
/** What the code works with, defaults filled in. */
export type OptionsOf<F extends Fields> = { readonly [K in keyof F]: OutOf<F[K]> }
