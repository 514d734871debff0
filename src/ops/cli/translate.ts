/** `meshless translate`: the configuration that istiod would send for these rules. */
import { readMeshConfig } from '../../rules/istio/mesh-config.ts'
import { translateDocuments } from '../../rules/istio/translate.ts'
import { EXIT } from './around.ts'
import type { Command } from './command.ts'
import { readRight } from './input.ts'
import { WORKLOAD, workloadOf } from './workload.ts'

const PARTS = ['clusters', 'routes', 'endpoints'] as const

export const translate: Command = {
  name: 'translate',
  takes: 'FILE…',
  text: "prints the rules in Envoy's form (JSON)",
  options: [{ name: 'only', value: 'PART', of: PARTS, text: 'one part: clusters, routes or endpoints' }, ...WORKLOAD],
  async run(args, around) {
    const given = await readRight(args.rest, around)
    if (given === undefined) return EXIT.rules
    const { workload, meshConfig } = await workloadOf(args)
    const { clusters, routes, endpoints } = translateDocuments(given.documents, { workload, meshConfig: readMeshConfig(meshConfig) })
    const all = { clusters, routes, endpoints }
    const only = args.get('only') as keyof typeof all | undefined
    around.out(`${JSON.stringify(only === undefined ? all : all[only], undefined, 2)}\n`)
    return EXIT.good
  },
}
