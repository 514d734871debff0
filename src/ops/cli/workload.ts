/** Who calls, and the mesh's own settings: options that several commands share. */

import { nodeModules } from '../../rules/sources/read-files.ts'
import type { Args, OptionSpec } from './args.ts'
import { CliError, EXIT } from './around.ts'

export const WORKLOAD: readonly OptionSpec[] = [
  { name: 'namespace', short: 'n', value: 'NAME', text: 'namespace of the caller; default `default`' },
  { name: 'label', short: 'l', value: 'KEY=VALUE', many: true, text: 'a label of the caller' },
  { name: 'locality', value: 'REGION/ZONE', text: 'where the caller runs' },
  { name: 'mesh-config', value: 'FILE', text: "Istio's MeshConfig, as YAML" },
]

export async function workloadOf(
  args: Args,
): Promise<{ workload: { namespace?: string; labels?: Record<string, string>; locality?: string }; meshConfig?: string }> {
  const labels: Record<string, string> = {}
  for (const label of args.all('label')) {
    const at = label.indexOf('=')
    if (at <= 0) throw new CliError(EXIT.usage, `--label: ${JSON.stringify(label)} is not KEY=VALUE`)
    labels[label.slice(0, at)] = label.slice(at + 1)
  }
  const namespace = args.get('namespace')
  const locality = args.get('locality')
  const file = args.get('mesh-config')
  const workload = { labels, ...(namespace !== undefined && { namespace }), ...(locality !== undefined && { locality }) }
  if (file === undefined) return { workload }
  try {
    return { workload, meshConfig: await nodeModules().fs.readFile(file, 'utf8') }
  } catch {
    throw new CliError(EXIT.usage, `--mesh-config: ${file} cannot be read`)
  }
}
