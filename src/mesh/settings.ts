/** The options of a mesh, read once: defaults filled in, wrong ones refused at construction. */
import { type Clock, systemClock } from '../base/time/clock.ts'
import { type Random, systemRandom } from '../base/time/random.ts'
import { checkedClock, checkedRandom } from '../core/checked-sources.ts'
import { OptionsError } from '../core/errors.ts'
import type { Resolver } from '../core/resolver.ts'
import { type Fault, Place, readOptions } from '../core/schema/index.ts'
import { readTrust, type Trust } from '../core/trust.ts'
import { type MeshConfig, readMeshConfig } from '../rules/istio/mesh-config.ts'
import { checkedResolver } from '../traffic/discovery/checked-resolver.ts'
import { systemResolver } from '../traffic/discovery/node-dns.ts'
import { nativeOverlay, type Overlay } from '../traffic/upstream/native.ts'
import { type MeshOptions, type MeshSettings, type Mode, meshFields } from './options.ts'

/** What the options say, with what stands behind those that were left out. */
export interface Settings extends Omit<MeshSettings, 'rules' | 'transport' | 'workload' | 'discovery' | 'limits' | 'clusters'> {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: Resolver
  readonly workload: { namespace: string; labels: Record<string, string>; domain: string; locality?: string }
  readonly meshConfig: MeshConfig
  readonly unlisted: 'dns' | 'none'
  readonly mode: Mode
  /** Whether `mode` was chosen because an Istio sidecar stands beside the process. */
  readonly besideSidecar: boolean
  /** What Istio cannot say of clusters, laid over them. */
  readonly native: Overlay
  readonly retryBufferLimit: number
  readonly abandonedBodyTimeout: number
  readonly dynamicHosts: number
  readonly history: number
  /** How far each source is trusted, by its name; as it was when the mesh was made. */
  readonly trusts: ReadonlyMap<string, Trust | undefined>
}

export function readSettings(options: MeshOptions): Settings {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || 'kind' in options)
    throw new OptionsError('createMesh: expected an object of options; rules are given as { rules }')
  const { rules, transport, discovery, limits, clusters, ...read } = readOptions(meshFields, options, 'createMesh', sourceFaults)
  const { locality, ...workload } = read.workload
  const besideSidecar = read.mode === undefined && sidecarBeside()
  return {
    ...read,
    ...limits,
    clock: read.clock === undefined ? systemClock : checkedClock(read.clock),
    random: read.random === undefined ? systemRandom : checkedRandom(read.random),
    resolver: discovery.resolver === undefined ? systemResolver() : checkedResolver(discovery.resolver),
    workload: { ...workload, ...(locality === undefined ? {} : { locality }) },
    meshConfig: readMeshConfig(read.meshConfig),
    unlisted: discovery.unlisted,
    mode: read.mode ?? (besideSidecar ? 'observe' : 'enforce'),
    besideSidecar,
    native: nativeOverlay(clusters),
    trusts: new Map(read.sources.map(({ name, trust }) => [name, readTrust(trust, new Place('', true))])),
  }
}

/** A source is known by its name, in diagnostics and in `history`, and bounded by its trust. */
function sourceFaults({ sources }: MeshSettings): Fault[] {
  const names = new Set<unknown>(['apply'])
  const faults: Fault[] = []
  for (const [i, { name, trust }] of sources.entries()) {
    readTrust(trust, new Place(`sources[${i}].trust`, true, faults))
    const path = `sources[${i}].name`
    if (typeof name !== 'string') faults.push({ path, kind: 'type', message: `${String(name)} is not a text` })
    else if (names.has(name)) faults.push({ path, kind: 'value', message: `two are named ${JSON.stringify(name)}` })
    names.add(name)
  }
  return faults
}

/** Istio tells its sidecar about the workload by variables of this name; two that govern the same calls would retry each other's retries. */
function sidecarBeside(): boolean {
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {}
  return Object.keys(environment).some(name => name.startsWith('ISTIO_META_'))
}
