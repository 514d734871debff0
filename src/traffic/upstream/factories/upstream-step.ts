/** A call's way through an upstream: an endpoint is chosen, the limits let it in, and how it ended is told to the detector. */

import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import type { Clock } from '../../../base/time/clock.ts'
import type { Call } from '../../../core/call.ts'
import { NoHealthyEndpointError, OverflowError, reject } from '../../../core/errors.ts'
import { GOES_ON, type Step } from '../../../core/step.ts'
import type { Host } from '../host.ts'
import type { Stay } from '../pool/places.ts'
import type { CodeCluster } from './code-cluster.ts'
import type { OutcomeOf } from './outcome.ts'

interface Pass {
  readonly host: Host
  readonly stay: Stay
  readonly retry: boolean
}

interface StepHooks {
  readonly name: string
  readonly clock: Clock
  by(call: Call): string | bigint | undefined
  readonly outcome: OutcomeOf
}

export function upstreamStep(cluster: CodeCluster, { name, clock, by, outcome }: StepHooks): Step<Pass> {
  const who = name === '' ? 'upstream' : `upstream ${name}`
  const refuse = (why: string) => reject(OverflowError, `${who}: ${why}`, { policy: name })
  /** Everything that was taken is given back, once. */
  const free = ({ host, stay, retry }: Pass, ran: boolean) => {
    if (ran) host.active--
    if (retry) cluster.limits.retries.give()
    stay.leave()
    cluster.freed()
  }
  const begin = (pass: Pass) => {
    pass.host.active++
    return pass
  }
  const end = (call: Call, pass: Pass, result: unknown, error: unknown) => {
    call.afterWork(() => free(pass, true))
    const said = outcome(result, error, call)
    if (said === undefined) return
    if (typeof said === 'string') return cluster.ejections.report(pass.host, said)
    cluster.ejections.report(pass.host, 'connected') // whoever answers could be reached
    cluster.ejections.reportStatus(pass.host, cluster.counted(said.status))
  }
  return {
    admit(call) {
      const now = clock.now()
      cluster.ejections.advance(now)
      const key = by(call)
      const hash = typeof key === 'string' ? xxhash64(key) : key
      const retry = call.attempt > 1
      const host = cluster.balancer.choose(now, hash, cluster.triedBy(call))
      if (host === undefined)
        throw reject(NoHealthyEndpointError, `${who}: none of ${cluster.hosts.all.length} endpoints may be asked`, { policy: name })
      if (retry && !cluster.limits.takeRetry()) throw refuse(`overflow: the limit of ${cluster.limits.mostRetries} retries is reached`)
      call.endpoint = cluster.endpointOf(host)
      const pass = { host, stay: cluster.stayAt(host), retry }
      if (pass.stay.granted) return begin(pass)
      if (pass.stay.refusal !== undefined) {
        free(pass, false)
        throw refuse(pass.stay.refusal.message)
      }
      return pass.stay
        .wait(listener => call.onAbort(listener))
        .then(
          () => begin(pass),
          error => {
            free(pass, false)
            throw pass.stay.refusal === undefined ? error : refuse(pass.stay.refusal.message)
          },
        )
    },
    answered(call, pass, value) {
      end(call, pass, value, undefined)
      return value
    },
    failed(call, pass, error) {
      end(call, pass, undefined, error)
      return GOES_ON
    },
  }
}
