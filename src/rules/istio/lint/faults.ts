/** Injected faults that never happen, or not where they are expected. */
import { eachRoute, type LintRule } from './rule.ts'

export const faults: readonly LintRule[] = [
  eachRoute('fault-never-fires', (http, path, report) => {
    for (const kind of ['delay', 'abort'] as const) {
      const fault = http.fault?.[kind]
      if (fault === undefined) continue
      const what = kind === 'delay' ? fault.fixedDelay : (fault.httpStatus ?? fault.grpcStatus)
      const share = fault.percentage?.value ?? (kind === 'delay' ? fault.percent : undefined)
      if (what === undefined)
        report(
          `${path}.fault.${kind}`,
          `the ${kind} does not say what to do, so it is left out`,
          kind === 'delay' ? 'add fixedDelay:' : 'add httpStatus:',
        )
      else if (!share) report(`${path}.fault.${kind}`, `without a percentage the ${kind} never fires`, 'add percentage: { value: 100 }')
    }
  }),
  eachRoute('fault-before-timeout', (http, path, report) => {
    if (http.fault?.delay?.fixedDelay === undefined || (http.timeout === undefined && http.retries === undefined)) return
    const what = http.timeout === undefined ? 'retries' : 'timeout'
    report(
      `${path}.fault.delay`,
      `faults come before the router: ${what} of this route neither cuts nor repeats a delayed call`,
      "to try out a caller's timeout, inject the fault one hop further",
      'info',
    )
  }),
  eachRoute('percent-above-100', (http, path, report) => {
    const percent = http.fault?.delay?.percent
    if (percent !== undefined && (percent > 100 || percent < 0))
      report(`${path}.fault.delay.percent`, `${percent} % is no share`, 'use percentage: { value: … } from 0 to 100')
  }),
  eachRoute('status-600', (http, path, report) => {
    for (const [at, status] of [
      ['fault.abort.httpStatus', http.fault?.abort?.httpStatus],
      ['directResponse.status', http.directResponse?.status],
    ] as const)
      if (status === 600) report(`${path}.${at}`, '600 passes in Istio, but no answer has this status', 'give a status from 200 to 599')
  }),
]
