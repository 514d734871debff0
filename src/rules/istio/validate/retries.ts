/** Retry policies; tokens of retryOn are compared as written, as Istio does, blanks included. */

import { suggest } from '../../../core/schema/read.ts'
import { RETRY_ON } from '../../../core/words.ts'
import type { Check } from './check.ts'

export function retries(check: Check, policy: any, path: string): void {
  const attempts: number = policy.attempts ?? 0
  if (attempts < 0) check.error('negative', `${path}.attempts`, 'attempts must not be negative', '0 disables retries')
  if (attempts === 0)
    for (const field of ['perTryTimeout', 'retryOn', 'retryRemoteLocalities'])
      if (policy[field] !== undefined && policy[field] !== '')
        check.error('retries-disabled', `${path}.${field}`, `${field} without attempts: retries are disabled`, 'add attempts: 2')
  check.duration(policy.perTryTimeout, `${path}.perTryTimeout`)
  check.duration(policy.backoff, `${path}.backoff`)
  for (const token of policy.retryOn ? (policy.retryOn as string).split(',') : []) {
    if (RETRY_ON.includes(token) || isStatus(token)) continue
    const trimmed = token.trim()
    const hint =
      trimmed !== token && (RETRY_ON.includes(trimmed) || isStatus(trimmed))
        ? 'no blanks round the commas'
        : (suggest(trimmed, RETRY_ON) ?? `a status code, or one of ${RETRY_ON.join(', ')}`)
    check.error('unknown-value', `${path}.retryOn`, `${JSON.stringify(token)} is no retry condition`, hint)
  }
}

/** A status that HTTP has a name for. */
export function isStatus(token: string): boolean {
  if (!/^\+?\d+$/.test(token)) return false
  const code = Number(token)
  if (code >= 400 && code <= 451) return code <= 418 || (code >= 421 && code <= 426) || [428, 429, 431, 451].includes(code)
  return (
    (code >= 100 && code <= 103) ||
    (code >= 200 && code <= 208) ||
    code === 226 ||
    (code >= 300 && code <= 308 && code !== 306) ||
    (code >= 500 && code <= 508) ||
    code === 510 ||
    code === 511
  )
}
