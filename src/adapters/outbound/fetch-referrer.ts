/** Where a request says it comes from (https://w3c.github.io/webappsec-referrer-policy/). */
import { getHeader } from '../../base/formats/headers.ts'
import { globalOrigin, PlatformURL } from '../../base/platform.ts'

export const DEFAULT_POLICY = 'strict-origin-when-cross-origin'
const POLICIES = new Set([
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  DEFAULT_POLICY,
  'unsafe-url',
])
const MAX_REFERRER_LENGTH = 4096

/** The referrer of a Request as a URL; `undefined` for none. */
export function referrerOf(referrer: string): URL | undefined {
  if (referrer === '') return undefined
  if (referrer === 'about:client') return globalOrigin()
  return new PlatformURL(referrer)
}

/** What a request to `target` may disclose of its referrer; `undefined` for nothing. */
export function disclosedReferrer(referrer: URL, policy: string, target: URL): URL | undefined {
  const origin = stripped(referrer, true)
  if (origin === undefined || policy === 'no-referrer') return undefined
  const whole = stripped(referrer, false)!
  const url = whole.href.length > MAX_REFERRER_LENGTH ? origin : whole
  const same = referrer.origin === target.origin
  const downgrade = isTrustworthy(referrer) && !isTrustworthy(target)
  switch (policy) {
    case 'unsafe-url':
      return url
    case 'origin':
      return origin
    case 'strict-origin':
      return downgrade ? undefined : origin
    case 'same-origin':
      return same ? url : undefined
    case 'origin-when-cross-origin':
      return same ? url : origin
    case 'no-referrer-when-downgrade':
      return downgrade ? undefined : url
    default:
      if (same) return url
      return downgrade ? undefined : origin
  }
}

/** The policy for the request that a redirect leads to: the last one that the response names and that is known. */
export function policyAfter(headers: readonly string[], policy: string): string {
  const named = getHeader(headers, 'referrer-policy')
  if (named === undefined) return policy
  return (
    named
      .split(',')
      .map(token => token.trim())
      .findLast(token => POLICIES.has(token)) ?? policy
  )
}

/** A URL without what no server need know; `undefined` for one of a local scheme. */
function stripped(url: URL, originOnly: boolean): URL | undefined {
  if (['about:', 'blob:', 'data:', 'file:'].includes(url.protocol)) return undefined
  const bare = new PlatformURL(url)
  bare.username = bare.password = bare.hash = ''
  if (originOnly) bare.pathname = bare.search = ''
  return bare
}

/** Whether nobody on the way can read or change what is sent there. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:' || /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost\.?)$/.test(hostname)
}
