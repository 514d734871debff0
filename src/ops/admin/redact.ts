/** Header values that look like secrets are not shown to those without the token; and what was hidden is never taken for a value. */

export const REDACTED = '[redacted]'

const SECRET = /authorization|cookie|token|secret|password|passwd|api[-_]?key|credential/i

/** A copy with secrets hidden. */
export function redacted<T>(value: T): T {
  return walk(value, false) as T
}

function walk(value: unknown, hide: boolean): unknown {
  if (typeof value === 'string') return hide ? REDACTED : value
  if (Array.isArray(value)) return value.map(item => walk(item, hide))
  if (typeof value !== 'object' || value === null) return value
  // Envoy's form: { header: { key, value } }; Istio's: a map from header to value, or to a match.
  const { key } = value as { key?: unknown }
  const named = typeof key === 'string' && SECRET.test(key)
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      walk(item, hide || (named && name === 'value') || (SECRET.test(name) && !KEPT.has(name))),
    ]),
  )
}

/** Names of Istio's and our own fields that only look like secrets. */
const KEPT = new Set(['credentialName', 'httpCookie', 'retryBudget', 'tokenBucket'])

export function hasRedacted(value: unknown): boolean {
  if (value === REDACTED) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasRedacted)
}
