/** As much of JSON Schema's draft-07 as our published schema uses; anything else is an error, so that nothing is passed over. */
type Schema = Record<string, any>

const KNOWN = new Set([
  ...['$schema', 'title', 'description', 'default', 'examples', 'definitions', '$ref', 'type', 'enum', 'const', 'required', 'properties'],
  ...['additionalProperties', 'items', 'minItems', 'maxItems', 'maxProperties', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum'],
  ...['pattern', 'allOf', 'anyOf', 'not', 'if', 'then'],
])

/** Paths at which a value does not fit. */
export function misfits(root: Schema, value: unknown): string[] {
  return check(root, root, value, '')
}

function check(root: Schema, schema: Schema, value: any, path: string): string[] {
  for (const word of Object.keys(schema)) if (!KNOWN.has(word)) throw new Error(`unknown word ${word}`)
  if (schema.$ref !== undefined) return check(root, root.definitions[schema.$ref.slice('#/definitions/'.length)], value, path)
  const found: string[] = []
  const wrong = (bad: boolean) => bad && found.push(path)
  if (schema.type !== undefined) wrong(![schema.type].flat().some((type: string) => isType(type, value)))
  if (schema.enum !== undefined) wrong(!schema.enum.includes(value))
  if (schema.const !== undefined) wrong(value !== schema.const)
  if (typeof value === 'string') {
    wrong(schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    wrong(value.length > (schema.maxLength ?? Infinity))
  }
  if (typeof value === 'number')
    wrong(value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity) || value <= (schema.exclusiveMinimum ?? -Infinity))
  if (Array.isArray(value)) {
    wrong(value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity))
    if (schema.items !== undefined) for (const [i, item] of value.entries()) found.push(...check(root, schema.items, item, `${path}[${i}]`))
  } else if (typeof value === 'object' && value !== null) {
    for (const name of schema.required ?? []) wrong(!Object.hasOwn(value, name))
    wrong(Object.keys(value).length > (schema.maxProperties ?? Infinity))
    for (const [name, item] of Object.entries(value)) {
      const known = schema.properties !== undefined && Object.hasOwn(schema.properties, name)
      if (known) found.push(...check(root, schema.properties[name], item, `${path}.${name}`))
      else if (schema.additionalProperties === false) found.push(`${path}.${name}`)
      else if (typeof schema.additionalProperties === 'object')
        found.push(...check(root, schema.additionalProperties, item, `${path}.${name}`))
    }
  }
  for (const part of schema.allOf ?? []) found.push(...check(root, part, value, path))
  if (schema.anyOf !== undefined) wrong(schema.anyOf.every((part: Schema) => check(root, part, value, path).length > 0))
  if (schema.not !== undefined) wrong(check(root, schema.not, value, path).length === 0)
  if (schema.if !== undefined && check(root, schema.if, value, path).length === 0) found.push(...check(root, schema.then, value, path))
  return found
}

function isType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
