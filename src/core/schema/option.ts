/**
 * One description per option: type, unit, default, bounds, text. Validators, TypeScript types, JSON Schema and the tables in the docs all
 * come from it, so that none of them can say something else.
 */
import type { Size } from '../../base/formats/size.ts'
import type { Duration } from '../../base/time/duration.ts'
import {
  readAnything,
  readArray,
  readBoolean,
  readDuration,
  readEnum,
  readFunction,
  readInteger,
  readMap,
  readNumber,
  readObject,
  readProvided,
  readSize,
  readString,
  readUnion,
} from './readers.ts'
import type { Fields, InOf, InputOf, Option, OptionsOf, OutOf, Reader } from './types.ts'

type Spec<In> = Partial<Pick<Option<In>, 'default' | 'required' | 'unit' | 'min' | 'max' | 'above' | 'pattern' | 'minItems' | 'codeOnly'>>
type Given<In, Out, S> = S extends { default: any } | { required: true } ? Option<In, Out> & Defaulted<S> : Option<In, Out | undefined>
type Defaulted<S> = S extends { required: true } ? { readonly required: true } : {}

const make = (type: Option['type'], read: Reader, text: string, spec?: object): any => ({ type, read, text, ...spec })

export const number = <const S extends Spec<number>>(text: string, spec?: S): Given<number, number, S> =>
  make('number', readNumber, text, spec)
export const integer = <const S extends Spec<number>>(text: string, spec?: S): Given<number, number, S> =>
  make('integer', readInteger, text, spec)
export const boolean = <const S extends Spec<boolean>>(text: string, spec?: S): Given<boolean, boolean, S> =>
  make('boolean', readBoolean, text, spec)
export const string = <const S extends Spec<string>>(text: string, spec?: S): Given<string, string, S> =>
  make('string', readString, text, spec)
/** Milliseconds in code, a Go duration in documents; the code gets milliseconds. */
export const duration = <const S extends Spec<Duration>>(text: string, spec?: S): Given<Duration, number, S> =>
  make('duration', readDuration, text, { unit: 'ms', ...spec })
/** Bytes: a whole number, or text such as `'64Ki'`; the code gets a number. */
export const size = <const S extends Spec<Size>>(text: string, spec?: S): Given<Size, number, S> =>
  make('size', readSize, text, { unit: 'bytes', ...spec })
export const oneOf = <const V extends readonly string[], const S extends Spec<V[number]>>(
  text: string,
  values: V,
  spec?: S,
): Given<V[number], V[number], S> => make('enum', readEnum, text, { values, ...spec })
/** A hook: code only. */
export const hook = <F extends (...args: any[]) => unknown>(text: string): Option<F, F | undefined> =>
  make('function', readFunction, text, { codeOnly: true })
/** An object of code, known by its methods. It is kept as it is. */
export const provided = <T extends object>(
  text: string,
  methods: readonly (keyof T & string)[],
  example?: string,
): Option<T, T | undefined> => make('any', readProvided, text, { methods, example, codeOnly: true })
export const array = <I, O, const S extends Spec<readonly I[]>>(
  text: string,
  items: Option<I, O>,
  spec?: S,
): Given<readonly I[], readonly NonNullable<O>[], S> => make('array', readArray, text, { items, ...spec })
export const map = <I, O, const S extends Spec<Readonly<Record<string, I>>>>(
  text: string,
  items: Option<I, O>,
  spec?: S,
): Given<Readonly<Record<string, I>>, Readonly<Record<string, NonNullable<O>>>, S> => make('map', readMap, text, { items, ...spec })
export const object = <const F extends Fields, const S extends Spec<object>>(
  text: string,
  fields: F,
  spec?: S,
): Given<InputOf<F>, OptionsOf<F>, S> => make('object', readObject, text, { fields, ...spec })
export const union = <const O extends readonly Option[], const S extends Spec<any>>(
  text: string,
  of: O,
  spec?: S,
): Given<InOf<O[number]>, NonNullable<OutOf<O[number]>>, S> => make('union', readUnion, text, { of, ...spec })
export const anything = <T = unknown>(text: string): Option<T, T | undefined> => make('any', readAnything, text)
