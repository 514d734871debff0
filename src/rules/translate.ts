/** The public `translate`: what istiod would send for these documents. */
import type { EnvoyConfig } from '../envoy/index.ts'
import { readMeshConfig } from './istio/mesh-config.ts'
import { parseRules } from './istio/parse.ts'
import { translateDocuments } from './istio/translate.ts'

export interface TranslateInput {
  /** Who calls: namespace, labels, locality, DNS domain. */
  workload?: { namespace?: string; labels?: Record<string, string>; locality?: string; domain?: string } | undefined
  /** Istio's MeshConfig, object or YAML text. */
  meshConfig?: string | object | undefined
}

/**
 * Translates rule documents into Envoy's configuration, in proto3-JSON names. Faulty documents are left out: ask `validate` about them.
 *
 * @throws SyntaxError or TypeError for a MeshConfig that cannot be read.
 */
export function translate(documents: string | object | readonly (string | object)[], options: TranslateInput = {}): EnvoyConfig {
  const { workload, meshConfig } = options
  const { clusters, routes, endpoints } = translateDocuments(parseRules(documents).documents, {
    meshConfig: readMeshConfig(meshConfig),
    ...(workload === undefined ? {} : { workload }),
  })
  return { clusters, routes, endpoints }
}
