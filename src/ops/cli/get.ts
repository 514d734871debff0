/** `meshless get`: the rules of a running process. */
import { writeYaml } from '../../base/formats/yaml/write.ts'
import type { Args } from './args.ts'
import { type Around, CliError, EXIT } from './around.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { kindOf } from './kinds.ts'
import { paintFor, table } from './paint.ts'
import { oneLine } from './printable.ts'

const FORMATS = ['yaml', 'json', 'name'] as const
type Format = (typeof FORMATS)[number]

export const get: Command = {
  name: 'get',
  takes: '[KIND [NAME]]',
  text: 'lists the rules of a running process, or shows one',
  more: 'KIND is a kind, or what kubectl calls it: vs, dr, se, we, sc, virtualservices … As YAML or JSON the rules can be applied again; values that are matched, set or rewritten are shown only with the token.',
  options: [
    { name: 'namespace', short: 'n', value: 'NAME', text: 'namespace of the document; default `default`' },
    { name: 'output', short: 'o', value: 'FORMAT', of: FORMATS, text: 'yaml, json or name; default: a table, and JSON for one document' },
    { name: 'json', text: 'the same as --output json' },
    ...ADMIN,
  ],
  async run(args, around) {
    const [kind, name, more] = args.rest
    if (more !== undefined) throw new CliError(EXIT.usage, `what is ${JSON.stringify(more)}?`, 'meshless get [KIND [NAME]]')
    const wanted = kind === undefined ? undefined : kindOf(kind)
    const client = new Client(args, around)
    if (wanted !== undefined && name !== undefined) {
      const { body } = await client.ask('GET', address(wanted, name, args.get('namespace')))
      around.out(written(body, formatOf(args) ?? 'json'))
      return EXIT.good
    }
    const { body } = await client.ask('GET', wanted === undefined ? '/rules' : `/rules/${wanted}`)
    const { apiVersion, kind: list, metadata, items } = body
    const namespace = args.get('namespace')
    const chosen = namespace === undefined ? items : items.filter((item: any) => namespaceIn(item) === namespace)
    const format = formatOf(args)
    if (format !== undefined) around.out(written({ apiVersion, kind: list, metadata, items: chosen }, format))
    else if (chosen.length === 0) around.out('no rules\n')
    else around.out(`${listed(body, chosen, around)}\nversion ${metadata.resourceVersion}\n`)
    return EXIT.good
  },
}

function formatOf(args: Args): Format | undefined {
  return args.has('json') ? 'json' : (args.get('output') as Format | undefined)
}

function written(value: any, format: Format): string {
  if (format === 'yaml') return writeYaml(value)
  if (format === 'json') return `${JSON.stringify(value, undefined, 2)}\n`
  const documents: any[] = value.items ?? [value]
  return documents.map(document => `${oneLine(keyIn(document))}\n`).join('')
}

const namespaceIn = (document: any): string => document.metadata?.namespace ?? 'default'
const keyIn = (document: any): string => `${document.kind}/${namespaceIn(document)}/${document.metadata?.name}`

/** The rules in force with their sources, then those that a document of the same name hides. */
function listed(body: any, items: readonly any[], around: Around): string {
  const keys = new Set(items.map(keyIn))
  const rows = items.map(item => [item.kind, namespaceIn(item), item.metadata?.name ?? '', body.sources[keyIn(item)] ?? ''])
  for (const { key, source, by } of body.shadowed ?? []) {
    const [kind, namespace, ...name] = key.split('/')
    if (keys.has(key)) rows.push([kind, namespace, name.join('/'), `${source} (not in force: ${by} has it too)`])
  }
  const [head = '', ...lines] = table([['KIND', 'NAMESPACE', 'NAME', 'SOURCE'], ...rows]).split('\n')
  return [paintFor(around).bold(head), ...lines].join('\n')
}

/** Path of a document; its name may be `NAMESPACE/NAME`. */
export function address(kind: string, name: string, namespace: string | undefined): string {
  const slash = name.indexOf('/')
  const parts = slash < 0 ? [kind, namespace ?? 'default', name] : [kind, name.slice(0, slash), name.slice(slash + 1)]
  return `/rules/${parts.map(encodeURIComponent).join('/')}`
}
