/** The public `translate`: what istiod would send for these documents. */
import { anything, type InputOf, map, object, readOptions, string } from '../core/schema/index.ts'
import type { EnvoyConfig } from '../envoy/index.ts'
import { readMeshConfig } from './istio/mesh-config.ts'
import { parseRules } from './istio/parse.ts'
import { translateDocuments } from './istio/translate.ts'

export const translateFields = {
  workload: object('Who calls: rules may look at it. Default: a workload without labels.', {
    namespace: string('Kubernetes namespace; short host names are completed with it.', { default: 'default' }),
    labels: map('Labels that `sourceLabels` and workload selectors look at.', string(''), { default: {} }),
    locality: string('`region/zone/subzone`. Default: none, so it is near to nobody.'),
    domain: string('DNS domain of the cluster.', { default: 'cluster.local' }),
  }),
  meshConfig: anything<string | object>("Istio's MeshConfig, as an object or YAML text. Default: Istio's own defaults."),
} as const

/** Options of `translate`. A wrong one throws an `OptionsError` that names every fault. */
export interface TranslateInput extends InputOf<typeof translateFields> {}

/**
 * Translates rule documents into Envoy's configuration, in proto3-JSON names. Faulty documents are left out: ask `validate` about them.
 *
 * @throws OptionsError for a MeshConfig that cannot be read.
 *
 * @example
 * const { clusters } = translate(rules)
 * console.log(clusters.at(-1).name) // => outbound|9080||reviews.default.svc.cluster.local
 */
export function translate(documents: string | object | readonly (string | object)[], options: TranslateInput = {}): EnvoyConfig {
  const { workload, meshConfig } = readOptions(translateFields, options, 'translate')
  const { locality, ...caller } = workload ?? {}
  const { clusters, routes, endpoints } = translateDocuments(parseRules(documents).documents, {
    meshConfig: readMeshConfig(meshConfig),
    workload: { ...caller, ...(locality !== undefined && { locality }) },
  })
  return { clusters, routes, endpoints }
}
