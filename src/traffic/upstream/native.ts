/** Settings of a cluster that Istio cannot say: active health checks, and the rest of Envoy's outlier detection. Laid over what the rules say. */
import { array, type InputOf, type OptionsOf, object } from '../../core/schema/index.ts'
import type { Cluster } from '../../envoy/index.ts'
import { healthCheckFields, healthCheckOf } from './factories/options/health-check.ts'
import { nativeDetection, nativeOutlierFields } from './factories/options/outlier-detector.ts'

export const nativeClusterFields = {
  healthChecks: array('Active health checks; the first counts. Default: none.', object('', healthCheckFields)),
  outlierDetection: object(
    'Where the rules have outlierDetection: of Envoy what Istio lacks. Default: as Istio has it.',
    nativeOutlierFields,
  ),
} as const

export type NativeClusterOptions = InputOf<typeof nativeClusterFields>

/** By `host`, `host|subset`, `host|subset|port`, or `*` for all; per block the most specific counts. */
export type NativeOptions = Readonly<Record<string, NativeClusterOptions>>

/** Lays native settings over a cluster. */
export type Overlay = (cluster: Cluster) => Cluster

/** Lays settings over clusters, the nearest key first. */
export function nativeOverlay(options: Readonly<Record<string, OptionsOf<typeof nativeClusterFields>>>): Overlay {
  const read = new Map(Object.entries(options))
  if (read.size === 0) return cluster => cluster
  return cluster => {
    const [direction, port, subset, host] = cluster.name.split('|')
    if (direction !== 'outbound') return cluster
    const near = [`${host}|${subset}|${port}`, `${host}|${subset}`, host!, '*'].flatMap(key => read.get(key) ?? [])
    const checks = near.find(n => n.healthChecks !== undefined)?.healthChecks
    const outlier = near.find(n => n.outlierDetection !== undefined)?.outlierDetection
    return {
      ...cluster,
      ...(checks === undefined ? {} : { healthChecks: checks.map(healthCheckOf) }),
      ...(outlier === undefined || cluster.outlierDetection === undefined
        ? {}
        : { outlierDetection: { ...cluster.outlierDetection, ...nativeDetection(outlier) } }),
    }
  }
}
