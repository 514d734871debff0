/** Retries of a route: what it says, else what the mesh says, else Istio's default. */
import type { RetryPolicy } from '../../envoy/index.ts'
import { protoDuration } from './cluster-policy.ts'
import { isStatus } from './validate/retries.ts'

const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes'

const PREVIOUS_HOSTS = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate' },
}

/**
 * `undefined`: no retries, which is also what `retries: {}` means. With `hashed` (the one destination picks hosts by a hash) other hosts
 * are tried only when asked for.
 */
export function retryPolicy(own: any, mesh: any, hashed: boolean): RetryPolicy | undefined {
  const retries = own ?? mesh
  const attempts = retries == null ? 2 : Number(retries.attempts ?? 0)
  if (!(attempts > 0)) return undefined
  const policy: RetryPolicy = { retryOn: DEFAULT_RETRY_ON, numRetries: attempts, hostSelectionRetryMaxAttempts: 5 }
  const ignorePrevious = retries?.retryIgnorePreviousHosts
  if (ignorePrevious ?? !hashed) policy.retryHostPredicate = [PREVIOUS_HOSTS]
  if (retries?.retryOn) Object.assign(policy, conditions(String(retries.retryOn)))
  if (retries?.perTryTimeout != null) policy.perTryTimeout = protoDuration(retries.perTryTimeout)
  if (retries?.backoff != null) policy.retryBackOff = { baseInterval: protoDuration(retries.backoff) }
  if (retries?.retryRemoteLocalities)
    policy.retryPriority = {
      name: 'envoy.retry_priorities.previous_priorities',
      typedConfig: {
        '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
        updateFrequency: 2,
      },
    }
  return policy
}

/** Numbers become status codes; with only numbers the list begins with a comma, as istiod sends it. */
function conditions(text: string): Pick<RetryPolicy, 'retryOn' | 'retriableStatusCodes'> {
  const names: string[] = []
  const codes: number[] = []
  for (const part of text.split(',')) {
    const token = part.trim()
    if (isStatus(token)) codes.push(Number(token))
    else if (token !== '') names.push(token)
  }
  let retryOn = names.join(',')
  if (codes.length === 0) return { retryOn }
  if (!retryOn.includes('retriable-status-codes')) retryOn += ',retriable-status-codes'
  return { retryOn, retriableStatusCodes: codes }
}
