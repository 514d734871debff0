/** The options of a mesh, read once: defaults filled in, wrong ones refused at construction. */
import { toBytes } from '../base/formats/size.ts'
import { type Clock, systemClock } from '../base/time/clock.ts'
import { toMs } from '../base/time/duration.ts'
import { type Random, systemRandom } from '../base/time/random.ts'
import { OptionsError } from '../core/errors.ts'
import type { Resolver } from '../core/resolver.ts'
import { suggest } from '../core/schema/read.ts'
import type { Source } from '../core/source.ts'
import { type MeshConfig, readMeshConfig } from '../rules/istio/mesh-config.ts'
import { systemResolver } from '../traffic/discovery/node-dns.ts'
import { nativeOverlay, type Overlay } from '../traffic/upstream/native.ts'
import { type MeshOptions, MODES, type Mode } from './options.ts'

export interface Settings {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: Resolver
  readonly workload: { namespace: string; labels: Record<string, string>; domain: string; locality?: string }
  readonly meshConfig: MeshConfig
  readonly strict: boolean
  readonly unlisted: 'dns' | 'none'
  readonly mode: Mode
  /** Whether `mode` was chosen because an Istio sidecar stands beside the process. */
  readonly besideSidecar: boolean
  readonly faults: boolean
  readonly requestOverrides: boolean
  readonly processes: number
  /** What Istio cannot say of clusters, laid over them. */
  readonly native: Overlay
  readonly sources: readonly Source[]
  readonly retryBufferLimit: number
  readonly abandonedBodyTimeout: number
  readonly dynamicHosts: number
  readonly history: number
}

const whole = (given: number | undefined, otherwise: number, what: string): number => {
  if (given === undefined) return otherwise
  if (!Number.isInteger(given) || given < 1) throw new OptionsError(`createMesh: ${what}: ${given} is not a whole number above 0`)
  return given
}

const KNOWN = {
  '': [
    ...['rules', 'sources', 'workload', 'meshConfig', 'strict', 'discovery', 'mode', 'faults', 'requestOverrides', 'localReplies'],
    ...['processes', 'clusters', 'clock', 'random', 'transport', 'limits'],
  ],
  workload: ['namespace', 'labels', 'locality', 'domain'],
  discovery: ['unlisted', 'resolver'],
  limits: ['abandonedBodyTimeout', 'retryBufferLimit', 'dynamicHosts', 'history'],
} as const

/** A misspelt option would be an option that silently does nothing. */
function knownOnly(given: unknown, part: keyof typeof KNOWN): void {
  if (given === undefined && part !== '') return
  const where = part === '' ? '' : `${part}: `
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new OptionsError(
      `createMesh: ${where}expected an object with ${KNOWN[part].slice(0, 3).join(', ')} …${part === '' ? '; rules are given as { rules }' : ''}`,
    )
  for (const name of Object.keys(given))
    if (!(KNOWN[part] as readonly string[]).includes(name))
      throw new OptionsError(
        `createMesh: ${where}${name} is no option; ${suggest(name, KNOWN[part]) ?? `known: ${KNOWN[part].join(', ')}`}`,
      )
}

const OUTBOUND = ['ALLOW_ANY', 'REGISTRY_ONLY']

export function readSettings(options: MeshOptions): Settings {
  knownOnly(options, '')
  for (const part of ['workload', 'discovery', 'limits'] as const) knownOnly(options[part], part)
  if (options.transport !== undefined && typeof options.transport?.connect !== 'function')
    throw new OptionsError('createMesh: transport: expected a transport such as nodeTransport() or fetchTransport()')
  const meshConfig = readMeshConfig(options.meshConfig)
  const outbound = meshConfig.outboundTrafficPolicy?.mode
  if (outbound !== undefined && !OUTBOUND.includes(outbound))
    throw new OptionsError(
      `createMesh: meshConfig.outboundTrafficPolicy.mode: ${JSON.stringify(outbound)} is not one of ${OUTBOUND.join(', ')}`,
    )
  const { namespace = 'default', labels = {}, domain = 'cluster.local', locality } = options.workload ?? {}
  const { mode, discovery, limits } = options
  if (mode !== undefined && !MODES.includes(mode))
    throw new OptionsError(`createMesh: mode: ${JSON.stringify(mode)} is not one of ${MODES.join(', ')}; ${suggest(mode, MODES) ?? ''}`)
  if (discovery?.unlisted !== undefined && discovery.unlisted !== 'dns' && discovery.unlisted !== 'none')
    throw new OptionsError(`createMesh: discovery.unlisted: ${JSON.stringify(discovery.unlisted)} is not one of dns, none`)
  const sources = [...(options.sources ?? [])]
  const names = new Set(['apply'])
  for (const source of sources) {
    if (typeof source?.start !== 'function' || typeof source.name !== 'string')
      throw new OptionsError('createMesh: sources: each is a source such as files("./rules"); rules themselves are given as `rules`')
    if (names.has(source.name)) throw new OptionsError(`createMesh: sources: two are named ${JSON.stringify(source.name)}`)
    names.add(source.name)
  }
  const besideSidecar = mode === undefined && sidecarBeside()
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    resolver: quiet(discovery?.resolver ?? systemResolver()),
    workload: { namespace, labels: { ...labels }, domain, ...(locality === undefined ? {} : { locality }) },
    meshConfig,
    strict: options.strict === true,
    unlisted: discovery?.unlisted ?? 'dns',
    mode: mode ?? (besideSidecar ? 'observe' : 'enforce'),
    besideSidecar,
    faults: options.faults !== false,
    requestOverrides: options.requestOverrides === true,
    processes: whole(options.processes, 1, 'processes'),
    native: nativeOverlay(options.clusters),
    sources,
    retryBufferLimit: toBytes(limits?.retryBufferLimit ?? '1Mi', 'limits.retryBufferLimit'),
    abandonedBodyTimeout: toMs(limits?.abandonedBodyTimeout ?? '30s', 'limits.abandonedBodyTimeout'),
    dynamicHosts: whole(limits?.dynamicHosts, 1000, 'limits.dynamicHosts'),
    history: whole(limits?.history, 20, 'limits.history'),
  }
}

/** A resolver that throws at once is one that cannot resolve. */
function quiet(resolver: Resolver): Resolver {
  return { resolve: async (hostname, options) => resolver.resolve(hostname, options) }
}

/** Istio tells its sidecar about the workload by variables of this name; two that govern the same calls would retry each other's retries. */
function sidecarBeside(): boolean {
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {}
  return Object.keys(environment).some(name => name.startsWith('ISTIO_META_'))
}
