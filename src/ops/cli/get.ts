/** `meshless get`: the rules of a running process. */
import { suggest } from '../../core/schema/read.ts'
import { ISTIO_KINDS, OWN_KINDS } from '../../rules/istio/schema/index.ts'
import { CliError, EXIT } from './around.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { paintFor, table } from './paint.ts'

export const get: Command = {
  name: 'get',
  takes: '[KIND [NAME]]',
  text: 'lists the rules of a running process, or shows one',
  options: [
    { name: 'namespace', short: 'n', value: 'NAME', text: 'namespace of the document; default `default`' },
    { name: 'json', text: 'as JSON, to be applied again: secrets are shown only with the token' },
    ...ADMIN,
  ],
  async run(args, around) {
    const [kind, name, more] = args.rest
    if (more !== undefined) throw new CliError(EXIT.usage, `what is ${JSON.stringify(more)}?`, 'meshless get [KIND [NAME]]')
    if (kind !== undefined) checkKind(kind)
    const client = new Client(args, around)
    if (kind !== undefined && name !== undefined) {
      const { body } = await client.ask('GET', address(kind, name, args.get('namespace')))
      around.out(`${JSON.stringify(body, undefined, 2)}\n`)
      return EXIT.good
    }
    const { body } = await client.ask('GET', kind === undefined ? '/rules' : `/rules/${encodeURIComponent(kind)}`)
    if (args.has('json')) around.out(`${JSON.stringify(body, undefined, 2)}\n`)
    else if (body.items.length === 0) around.out('no rules\n')
    else {
      const rows = body.items.map((item: any) => {
        const namespace = item.metadata?.namespace ?? 'default'
        return [item.kind, namespace, item.metadata?.name ?? '', body.sources[`${item.kind}/${namespace}/${item.metadata?.name}`] ?? '']
      })
      const [head = '', ...lines] = table([['KIND', 'NAMESPACE', 'NAME', 'SOURCE'], ...rows]).split('\n')
      around.out(`${[paintFor(around).bold(head), ...lines].join('\n')}\nversion ${body.metadata.resourceVersion}\n`)
    }
    return EXIT.good
  },
}

const KINDS = [...ISTIO_KINDS.keys(), ...OWN_KINDS.keys()]

/** A misspelt kind has no rules, which is no answer. */
export function checkKind(kind: string): void {
  if (!KINDS.some(known => known.toLowerCase() === kind.toLowerCase()))
    throw new CliError(EXIT.usage, `there is no kind ${kind}`, suggest(kind, KINDS) ?? `kinds: ${KINDS.join(', ')}`)
}

/** `NAME`, or `NAMESPACE/NAME`. */
export function address(kind: string, name: string, namespace: string | undefined): string {
  const slash = name.indexOf('/')
  const parts = slash < 0 ? [kind, namespace ?? 'default', name] : [kind, name.slice(0, slash), name.slice(slash + 1)]
  return `/rules/${parts.map(encodeURIComponent).join('/')}`
}
