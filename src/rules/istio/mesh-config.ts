/** Istio's MeshConfig, as far as it changes what a client does; and the client itself. Everything else in a mesh config is left alone. */
import { copyPlain } from '../../base/formats/plain-data.ts'
import { parseYaml } from '../../base/formats/yaml.ts'
import { OptionsError } from '../../core/errors.ts'

/** Who calls. It decides which documents are seen and which endpoints are near. */
export interface Workload {
  /** Default `default`. */
  namespace?: string
  labels?: Record<string, string>
  /** `region/zone/subzone`; without it no endpoint is nearer than another. */
  locality?: string
  /** DNS domain of the cluster. Default `cluster.local`. */
  domain?: string
}

export interface MeshConfig {
  /** Documents here hold for all namespaces. Default `istio-system`. */
  rootNamespace?: string
  /** What becomes of hosts that nobody declared. Default ALLOW_ANY. */
  outboundTrafficPolicy?: { mode?: 'ALLOW_ANY' | 'REGISTRY_ONLY' }
  /** Retries of routes that say nothing. Default: 2 attempts, Istio's default conditions. */
  defaultHttpRetryPolicy?: Record<string, any>
  /** Default: enabled, failover by nearness. */
  localityLbSetting?: Record<string, any>
  /** Default `10s`. */
  connectTimeout?: string
  /** How often names are resolved when DNS gives no TTL. Default `60s`. */
  dnsRefreshRate?: string
  tcpKeepalive?: { probes?: number; time?: string; interval?: string }
  /** Default DO_NOT_UPGRADE. */
  h2UpgradePolicy?: 'DO_NOT_UPGRADE' | 'UPGRADE'
  /** Blocks used where a destination rule leaves them unset. */
  defaultTrafficPolicy?: { connectionPool?: Record<string, any>; outlierDetection?: Record<string, any> }
  defaultServiceExportTo?: string[]
  defaultVirtualServiceExportTo?: string[]
  defaultDestinationRuleExportTo?: string[]
  [field: string]: unknown
}

const OUTBOUND = ['ALLOW_ANY', 'REGISTRY_ONLY']

/** Reads a mesh config given as YAML text or object. Throws an `OptionsError` that says what is wrong with it. */
export function readMeshConfig(input: string | object | undefined): MeshConfig {
  const value = typeof input === 'string' ? parsed(input) : copied(input)
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new OptionsError('meshConfig: expected a mapping of MeshConfig fields')
  const config = value as MeshConfig
  const mode = config.outboundTrafficPolicy?.mode
  if (mode !== undefined && !OUTBOUND.includes(mode))
    throw new OptionsError(`meshConfig: outboundTrafficPolicy.mode: ${JSON.stringify(mode)} is not one of ${OUTBOUND.join(', ')}`)
  return config
}

function parsed(text: string): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    throw new OptionsError(`meshConfig: ${(error as Error).message}`, { cause: error })
  }
}

/** The program may change what it gave, and an object may contain itself. */
function copied(input: object | undefined): unknown {
  try {
    return copyPlain(input)
  } catch (error) {
    throw new OptionsError(`meshConfig: ${(error as Error)?.message ?? 'it cannot be read'}`, { cause: error })
  }
}
