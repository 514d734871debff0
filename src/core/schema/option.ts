/**
 * One description per option: type, unit, default, bounds, text. Validators, TypeScript types, JSON Schema and the tables in the docs all
 * come from it, so that none of them can say something else.
 */
import type { Size } from '../../base/formats/size.ts'
import type { Duration } from '../../base/time/duration.ts'

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

type Spec<In> = Partial<Pick<Option<In>, 'default' | 'required' | 'unit' | 'min' | 'max' | 'above' | 'pattern' | 'minItems' | 'codeOnly'>>
type Given<In, Out, S> = S extends { default: any } | { required: true } ? Option<In, Out> & Defaulted<S> : Option<In, Out | undefined>
type Defaulted<S> = S extends { required: true } ? { readonly required: true } : {}

const make = (type: Option['type'], text: string, spec: object = {}): any => ({ type, text, ...spec })

export const number = <const S extends Spec<number>>(text: string, spec?: S): Given<number, number, S> => make('number', text, spec)
export const integer = <const S extends Spec<number>>(text: string, spec?: S): Given<number, number, S> => make('integer', text, spec)
export const boolean = <const S extends Spec<boolean>>(text: string, spec?: S): Given<boolean, boolean, S> => make('boolean', text, spec)
export const string = <const S extends Spec<string>>(text: string, spec?: S): Given<string, string, S> => make('string', text, spec)
/** Milliseconds in code, a Go duration in documents; the code gets milliseconds. */
export const duration = <const S extends Spec<Duration>>(text: string, spec?: S): Given<Duration, number, S> =>
  make('duration', text, { unit: 'ms', ...spec })
/** Bytes: a whole number, or text such as `'64Ki'`; the code gets a number. */
export const size = <const S extends Spec<Size>>(text: string, spec?: S): Given<Size, number, S> =>
  make('size', text, { unit: 'bytes', ...spec })
export const oneOf = <const V extends readonly string[], const S extends Spec<V[number]>>(
  text: string,
  values: V,
  spec?: S,
): Given<V[number], V[number], S> => make('enum', text, { values, ...spec })
/** A hook: code only. */
export const hook = <F extends (...args: any[]) => unknown>(text: string): Option<F, F | undefined> =>
  make('function', text, { codeOnly: true })
/** An object of code, known by its methods. It is kept as it is. */
export const provided = <T extends object>(
  text: string,
  methods: readonly (keyof T & string)[],
  example?: string,
): Option<T, T | undefined> => make('any', text, { methods, example, codeOnly: true })
export const array = <I, O, const S extends Spec<readonly I[]>>(
  text: string,
  items: Option<I, O>,
  spec?: S,
): Given<readonly I[], readonly NonNullable<O>[], S> => make('array', text, { items, ...spec })
export const map = <I, O, const S extends Spec<Readonly<Record<string, I>>>>(
  text: string,
  items: Option<I, O>,
  spec?: S,
): Given<Readonly<Record<string, I>>, Readonly<Record<string, NonNullable<O>>>, S> => make('map', text, { items, ...spec })
export const object = <const F extends Fields, const S extends Spec<object>>(
  text: string,
  fields: F,
  spec?: S,
): Given<InputOf<F>, OptionsOf<F>, S> => make('object', text, { fields, ...spec })
export const union = <const O extends readonly Option[], const S extends Spec<any>>(
  text: string,
  of: O,
  spec?: S,
): Given<InOf<O[number]>, NonNullable<OutOf<O[number]>>, S> => make('union', text, { of, ...spec })
export const anything = <T = unknown>(text: string): Option<T, T | undefined> => make('any', text)

export type InOf<O> = O extends Option<infer I, any> ? I : never
export type OutOf<O> = O extends Option<any, infer T> ? T : never
type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends { readonly required: true } ? K : never }[keyof F]

/** What a user writes. */
export type InputOf<F extends Fields> = { -readonly [K in keyof F as K extends RequiredKeys<F> ? never : K]?: InOf<F[K]> | undefined } & {
  -readonly [K in keyof F as K extends RequiredKeys<F> ? K : never]: InOf<F[K]>
}
/** What the code works with, defaults filled in. */
export type OptionsOf<F extends Fields> = { readonly [K in keyof F]: OutOf<F[K]> }
