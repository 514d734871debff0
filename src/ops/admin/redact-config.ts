/** Envoy's form of the rules without what may be secret, by the same positions as in redact.ts. */
import { cleaned, hidden, isObject, mapped } from './redact.ts'

/** Whatever is below them was set or rewritten by a rule. */
const SECRET = new Set(['prefixRewrite', 'regexRewrite', 'hostRewriteLiteral', 'hostRedirect', 'pathRedirect', 'body'])
const HEADER_LISTS = new Set(['requestHeadersToAdd', 'responseHeadersToAdd'])
/** Where a request goes is not secret. */
const PUBLIC_NAMES = new Set([':method', ':scheme', ':authority'])
/** Members of a matcher that are not values to compare with. */
const MATCHER = new Set(['name', 'invertMatch', 'presentMatch', 'treatMissingHeaderAsEmpty'])

/** A configuration never changes, and anybody may ask for it again and again. */
const redactedConfigs = new WeakMap<object, unknown>()

export function redactConfig(config: object): unknown {
  let redacted = redactedConfigs.get(config)
  if (redacted === undefined) redactedConfigs.set(config, (redacted = redact(config)))
  return redacted
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact)
  if (!isObject(value)) return cleaned(value)
  return mapped(value, (name, item) => {
    if (SECRET.has(name)) return hidden(item)
    if (HEADER_LISTS.has(name)) return headerValues(item)
    if (name === 'match' && isObject(item)) return redactMatch(item)
    return redact(item)
  })
}

function headerValues(list: unknown): unknown {
  if (!Array.isArray(list)) return hidden(list)
  return list.map(option =>
    isObject(option) && isObject(option['header'])
      ? { ...option, header: mapped(option['header'], (name, v) => (name === 'key' ? v : hidden(v))) }
      : hidden(option),
  )
}

function redactMatch(match: Record<string, unknown>): Record<string, unknown> {
  return mapped(match, (name, value) => {
    if (name === 'caseSensitive') return value
    if ((name === 'headers' || name === 'queryParameters') && Array.isArray(value))
      return value.map(matcher => (isObject(matcher) ? redactMatcher(matcher) : hidden(matcher)))
    return hidden(value)
  })
}

function redactMatcher(matcher: Record<string, unknown>): Record<string, unknown> {
  if (PUBLIC_NAMES.has(String(matcher['name']))) return matcher
  return mapped(matcher, (name, value) => (MATCHER.has(name) ? value : hidden(value)))
}
