/** Kinds of documents as people name them on a command line: as in the documents, or as kubectl does. */
import { suggest } from '../../core/schema/read.ts'
import { ISTIO_KINDS, OWN_KINDS } from '../../rules/istio/schema/index.ts'
import { CliError, EXIT } from './around.ts'

const SHORT: Readonly<Record<string, string>> = {
  vs: 'VirtualService',
  dr: 'DestinationRule',
  se: 'ServiceEntry',
  we: 'WorkloadEntry',
  sc: 'Sidecar',
  rp: 'ResiliencePolicy',
}
const GROUPED = [
  ...[...ISTIO_KINDS.keys()].map(kind => [kind, 'networking.istio.io'] as const),
  ...[...OWN_KINDS.keys()].map(kind => [kind, 'meshless.dev'] as const),
]
const KINDS = GROUPED.map(([kind]) => kind)

/** By kind in any case, kubectl's resource name (`virtualservices`, with or without its group) and short name. */
const BY_NAME = new Map<string, string>(Object.entries(SHORT))
for (const [kind, group] of GROUPED) {
  const lower = kind.toLowerCase()
  const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`
  for (const name of [plural, `${plural}.${group}`, `${lower}.${group}`]) BY_NAME.set(name, kind)
}

/** The kind that is meant. Throws a `CliError` for a name that is none: a misspelt kind has no rules, which is no answer. */
export function kindOf(name: string): string {
  const found = KINDS.find(kind => kind.toLowerCase() === name.toLowerCase()) ?? BY_NAME.get(name)
  if (found !== undefined) return found
  const short = Object.keys(SHORT).join(', ')
  throw new CliError(EXIT.usage, `there is no kind ${name}`, suggest(name, KINDS) ?? `kinds: ${KINDS.join(', ')}; for short ${short}`)
}
