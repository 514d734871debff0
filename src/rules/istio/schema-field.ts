/** The few shapes that fields of Istio's protobuf messages have, as data: enough to decode a document and to say what the CRD would refuse. */

export type Field =
  | { type: 'string'; maxLength?: number }
  | { type: 'boolean' }
  | { type: 'integer'; min: number; max: number }
  | { type: 'number'; min?: number; max?: number }
  | { type: 'duration'; least?: 'any' }
  | { type: 'enum'; values: readonly string[] }
  | { type: 'bytes' }
  | { type: 'list'; of: Field; min?: number; max?: number }
  | { type: 'map'; of: Field; max?: number }
  | { type: 'message'; fields: Readonly<Record<string, Field>>; required: readonly string[]; oneOf: readonly (readonly string[])[] }
  | { type: 'any' }

export type Message = Extract<Field, { type: 'message' }>

export const string: Field = { type: 'string' }
export const text = (maxLength: number): Field => ({ type: 'string', maxLength })
export const boolean: Field = { type: 'boolean' }
export const int32: Field = { type: 'integer', min: -(2 ** 31), max: 2 ** 31 - 1 }
export const uint32: Field = { type: 'integer', min: 0, max: 2 ** 32 - 1 }
export const uint64: Field = { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER }
export const number: Field = { type: 'number' }
export const percent: Field = { type: 'number', min: 0, max: 100 }
export const duration: Field = { type: 'duration' }
/** A duration the CRD does not bound from below. */
export const anyDuration: Field = { type: 'duration', least: 'any' }
export const bytes: Field = { type: 'bytes' }
export const oneOfNames = (...values: string[]): Field => ({ type: 'enum', values })
export const list = (of: Field, min?: number, max?: number): Field => ({
  type: 'list',
  of,
  ...(min !== undefined && { min }),
  ...(max !== undefined && { max }),
})
export const map = (of: Field, max?: number): Field => ({ type: 'map', of, ...(max !== undefined && { max }) })

/** A message; `required` and `oneOf` are the CRD's, the webhook has its own words for them. */
export function message(fields: Record<string, Field>, required: readonly string[] = [], ...oneOf: (readonly string[])[]): Message {
  return { type: 'message', fields, required, oneOf }
}
