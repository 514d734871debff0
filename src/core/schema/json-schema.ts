/** The published JSON Schema (draft-07, the newest that YAML editors read) of an option. */
import type { Fields, Option } from './types.ts'

export type JsonSchema = { [key: string]: unknown }

export function fieldsSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields).filter(([, option]) => !option.codeOnly)
  const required = entries.filter(([, option]) => option.required).map(([key]) => key)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([key, option]) => [key, optionSchema(option)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  }
}

export function optionSchema(option: Option): JsonSchema {
  const shared: JsonSchema = {}
  if (option.text !== '')
    shared['description'] =
      option.unit && option.type !== 'duration' && option.type !== 'size' ? `${option.text} (${option.unit})` : option.text
  if (option.default !== undefined) shared['default'] = option.default
  switch (option.type) {
    case 'number':
    case 'integer':
      return {
        ...shared,
        type: option.type,
        ...(option.min !== undefined ? { [option.above ? 'exclusiveMinimum' : 'minimum']: option.min } : {}),
        ...(option.max !== undefined ? { maximum: option.max } : {}),
      }
    case 'duration':
      return { ...shared, type: 'string', pattern: '^([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$' }
    case 'size':
      return {
        ...shared,
        anyOf: [
          { type: 'integer', minimum: option.min ?? 0 },
          { type: 'string', pattern: '^\\d+(?:\\.\\d+)?(?:Ki|Mi|Gi|k|M|G)?$' },
        ],
      }
    case 'boolean':
      return { ...shared, type: 'boolean' }
    case 'string':
      return { ...shared, type: 'string', ...(option.pattern ? { pattern: option.pattern.source } : {}) }
    case 'enum':
      return { ...shared, enum: option.values }
    case 'array':
      return { ...shared, type: 'array', items: optionSchema(option.items!), ...(option.minItems ? { minItems: option.minItems } : {}) }
    case 'map':
      return { ...shared, type: 'object', additionalProperties: optionSchema(option.items!) }
    case 'object':
      return { ...shared, ...fieldsSchema(option.fields!) }
    case 'union':
      return { ...shared, anyOf: option.of!.filter(o => !o.codeOnly).map(optionSchema) }
    default:
      return shared
  }
}
