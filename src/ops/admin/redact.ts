/**
 * What those without the token do not see. A secret may be in anything that a rule compares with,
 * sets or rewrites, so these are hidden by where they are in a document and not by how they are
 * called; what nobody described (unknown fields, annotations) is hidden as well.
 */
import type { Field, Message, Shape } from '../../rules/istio/schema/field.ts'
import { specOf } from '../../rules/istio/schema/index.ts'

export const REDACTED = '[redacted]'

type Json = Record<string, unknown>

/** Fields with values that are matched, set or rewritten, by the message they belong to. */
export const SECRET_FIELDS: Readonly<Record<string, readonly string[]>> = {
  HTTPMatchRequest: ['uri', 'headers', 'withoutHeaders', 'queryParams'],
  HeaderOperations: ['set', 'add'],
  HTTPRewrite: ['uri', 'authority', 'uriRegexRewrite'],
  HTTPRedirect: ['uri', 'authority'],
  HTTPDirectResponse: ['body'],
}

/** Metadata that says what a document is. Annotations may hold a copy of it, secrets and all. */
const METADATA = ['name', 'namespace', 'labels', 'creationTimestamp', 'generateName']
const SECRET_NAME = /authorization|cookie|token|secret|password|passwd|api[-_]?key|credential/i
/** Names of Istio's and our own fields that only look like secrets. */
const HARMLESS_NAMES = new Set(['credentialName', 'httpCookie', 'retryBudget', 'tokenBucket'])

/** A document as it was written, without what may be secret. */
export function redactDocument(written: Json): Json {
  const { apiVersion, kind } = written
  const spec = specOf(String(apiVersion), String(kind))
  return mapped(written, (name, value) => {
    if (name === 'apiVersion' || name === 'kind') return value
    if (name === 'metadata' && isObject(value)) return mapped(value, redactMetadata)
    return name === 'spec' && spec !== undefined ? redactShape(spec, value) : REDACTED
  })
}

function redactMetadata(name: string, value: unknown): unknown {
  if (name === 'annotations') return hidden(value)
  return METADATA.includes(name) ? cleaned(value) : REDACTED
}

function redactShape(shape: Shape | Field, value: unknown): unknown {
  switch (shape.type) {
    case 'message':
      return isObject(value) ? redactMessage(shape, value) : hidden(value)
    case 'list':
      return Array.isArray(value) ? value.map(item => redactShape(shape.of, item)) : hidden(value)
    case 'map':
      return isObject(value) ? mapped(value, (_, item) => redactShape(shape.of, item)) : hidden(value)
    case 'any':
      return redactNamed(value)
    default:
      return typeof value === 'object' ? hidden(value) : cleaned(value)
  }
}

function redactMessage(message: Message, value: Json): Json {
  const secret = SECRET_FIELDS[message.name] ?? []
  return mapped(value, (name, item) => {
    const field = Object.hasOwn(message.fields, name) ? message.fields[name] : undefined
    if (field === undefined) return REDACTED
    return secret.includes(name) ? hidden(item) : redactShape(field, item)
  })
}

/** Options of our own policies: the body of an answer, and what is called like a secret. */
export function redactNamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactNamed)
  if (!isObject(value)) return cleaned(value)
  return mapped(value, (name, item) => (name === 'body' || isSecretName(name) ? hidden(item) : redactNamed(item)))
}

/** Whether a field is called like what holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS_NAMES.has(name)
}

/** The same structure without its values; names stay. */
export function hidden(value: unknown): unknown {
  if (value === null || value === undefined) return value
  if (Array.isArray(value)) return value.map(hidden)
  return isObject(value) ? mapped(value, (_, item) => hidden(item)) : REDACTED
}

/** Texts that are shown, without the credentials of URLs and the conditions that name a route. */
export function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (Array.isArray(value)) return value.map(cleaned)
  return isObject(value) ? mapped(value, (_, item) => cleaned(item)) : value
}

/** A route without a name is known by its match, as JSON, behind its virtual host. */
const MATCH_AS_NAME = /\|\{".*$/s
const CREDENTIALS = /(\/\/)[^/?#@\s]*@/g

export function cleanText(text: string): string {
  return text.replace(MATCH_AS_NAME, `|${REDACTED}`).replace(CREDENTIALS, `$1${REDACTED}@`)
}

/** The object with other values; names that have become equal are numbered. */
export function mapped(object: Json, change: (name: string, value: unknown) => unknown): Json {
  const result: Json = {}
  for (const [name, value] of Object.entries(object)) {
    const clean = cleanText(name)
    let key = clean
    for (let n = 2; clean !== name && Object.hasOwn(result, key); n++) key = `${clean} #${n}`
    Object.defineProperty(result, key, { value: change(name, value), enumerable: true, configurable: true, writable: true })
  }
  return result
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether something that was hidden is about to be taken for a value. */
export function hasRedacted(value: unknown): boolean {
  if (value === REDACTED) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasRedacted)
}
