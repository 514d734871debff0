/** Outlier detection that ejects nobody, or other than it reads. */
import { eachPolicy, type LintRule } from './rule.ts'

export const outliers: readonly LintRule[] = [
  eachPolicy('outlier-ejects-nobody', (policy, path, report, { document, view, subset }) => {
    const detection = policy.outlierDetection
    if (detection === undefined) return
    const percent = detection.maxEjectionPercent || 10
    const hosts = view.endpoints(document.spec.host, document, subset?.labels)
    if (hosts === undefined || hosts === 0 || 100 / hosts <= percent) return
    report(
      detection.maxEjectionPercent ? `${path}.outlierDetection.maxEjectionPercent` : `${path}.outlierDetection`,
      `of ${hosts} endpoints one is ${Math.round(1000 / hosts) / 10} %, more than the ${percent} % that may be out: nobody is ever ejected`,
      `use maxEjectionPercent: ${Math.ceil(100 / hosts)} or more`,
    )
  }),
  eachPolicy('outlier-off', (policy, path, report) => {
    const { consecutive5xxErrors, consecutiveGatewayErrors, splitExternalLocalOriginErrors } = policy.outlierDetection ?? {}
    if (consecutive5xxErrors === 0 && !consecutiveGatewayErrors && splitExternalLocalOriginErrors !== true)
      report(
        `${path}.outlierDetection.consecutive5xxErrors`,
        '0 switches the only detection off',
        'leave it out for 5, or add consecutiveGatewayErrors',
      )
  }),
  eachPolicy('outlier-gateway-late', (policy, path, report) => {
    const { consecutive5xxErrors = 5, consecutiveGatewayErrors } = policy.outlierDetection ?? {}
    if (consecutiveGatewayErrors > 0 && consecutive5xxErrors > 0 && consecutiveGatewayErrors >= consecutive5xxErrors)
      report(
        `${path}.outlierDetection.consecutiveGatewayErrors`,
        `gateway errors are 5xx too, and ${consecutive5xxErrors} of those eject first`,
        'make it smaller, or switch the other off with consecutive5xxErrors: 0',
      )
  }),
  eachPolicy('panic-early', (policy, path, report) => {
    const { maxEjectionPercent, minHealthPercent } = policy.outlierDetection ?? {}
    if (minHealthPercent > 0 && 100 - (maxEjectionPercent || 10) < minHealthPercent)
      report(
        `${path}.outlierDetection.minHealthPercent`,
        `with ${maxEjectionPercent || 10} % ejected, fewer than ${minHealthPercent} % are healthy: then ejected endpoints are called as well`,
        `keep minHealthPercent at or below ${100 - (maxEjectionPercent || 10)}`,
      )
  }),
]
