/**
 * The few shapes that fields of Istio's protobuf messages have, with what is to be said about each: enough to decode a document, to say
 * what the CRD would refuse, and to make types, a JSON Schema and the tables of the docs.
 */

export type Shape =
  | { type: 'string'; maxLength?: number }
  | { type: 'boolean' }
  | { type: 'integer'; min: number; max: number; format: 'int32' | 'uint32' | 'uint64' }
  | { type: 'number'; min?: number; max?: number }
  | { type: 'duration'; least?: 'any' }
  /** `closed`: a number that stands for no name is refused, where Istio otherwise takes it for the default. */
  | { type: 'enum'; values: readonly string[]; closed?: true }
  | { type: 'bytes' }
  | { type: 'list'; of: Field; min?: number; max?: number }
  | { type: 'map'; of: Field; max?: number }
  | Message
  | { type: 'any' }

export interface Message {
  type: 'message'
  /** Istio's own name of it. */
  name: string
  /** What it is, in a sentence. */
  about: string
  fields: Readonly<Record<string, Field>>
  /** As the CRD has them; the webhook has its own words. */
  required: readonly string[]
  oneOf: readonly (readonly string[])[]
}

/**
 * What becomes of a field here. `same`: as in Istio and Envoy. `in-process`: with a meaning of its own inside of a process. `ignored`:
 * accepted, and a warning says that nothing happens. `refused`: an error, as in Istio.
 */
export type Verdict = 'same' | 'in-process' | 'ignored' | 'refused' | 'own'

export interface Said {
  /** Meaning, in one or two sentences. */
  text?: string
  /** The value when nothing is written, or what happens then. */
  default?: string | number | boolean
  /** Default `same`. */
  verdict?: Verdict
  /** What is different here. */
  note?: string
}

export type Field = Shape & Said

export const string: Field = { type: 'string' }
export const text = (maxLength: number): Field => ({ type: 'string', maxLength })
export const boolean: Field = { type: 'boolean' }
export const int32: Field = { type: 'integer', min: -(2 ** 31), max: 2 ** 31 - 1, format: 'int32' }
export const uint32: Field = { type: 'integer', min: 0, max: 2 ** 32 - 1, format: 'uint32' }
export const uint64: Field = { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER, format: 'uint64' }
export const number: Field = { type: 'number' }
export const percent: Field = { type: 'number', min: 0, max: 100 }
export const duration: Field = { type: 'duration' }
/** A duration the CRD does not bound from below. */
export const anyDuration: Field = { type: 'duration', least: 'any' }
export const bytes: Field = { type: 'bytes' }
export const anything: Field = { type: 'any' }
export const oneOfNames = (...values: string[]): Field => ({ type: 'enum', values })
export const list = (of: Field, min?: number, max?: number): Field => ({
  type: 'list',
  of,
  ...(min !== undefined && { min }),
  ...(max !== undefined && { max }),
})
export const map = (of: Field, max?: number): Field => ({ type: 'map', of, ...(max !== undefined && { max }) })

/** A field: what it means, its shape, and what else there is to say. */
export function field(text: string, shape: Field, more: Omit<Said, 'text'> = {}): Field {
  return { ...shape, text, ...more }
}

export function message(
  about: string,
  name: string,
  fields: Record<string, Field>,
  required: readonly string[] = [],
  ...oneOf: (readonly string[])[]
): Message {
  return { type: 'message', name, about, fields, required, oneOf }
}
