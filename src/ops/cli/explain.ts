/** `meshless explain`: what would happen to a request, under files or in a running process. */

import type { Resolver } from '../../core/resolver.ts'
import type { Transport } from '../../core/transport.ts'
import type { Explanation } from '../../mesh/explain.ts'
import { explain as explainIn } from '../../mesh/explain.ts'
import type { Place, Value } from '../../mesh/explain-values.ts'
import { MeshCore } from '../../mesh/mesh.ts'
import { RuleError } from '../../mesh/rule-error.ts'
import type { Args } from './args.ts'
import { type Around, CliError, EXIT } from './around.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { text } from './diagnostics.ts'
import { read } from './input.ts'
import { paintFor, table } from './paint.ts'
import { oneLine } from './printable.ts'
import { WORKLOAD, workloadOf } from './workload.ts'

export const explain: Command = {
  name: 'explain',
  takes: '[FILE…]',
  text: 'says what would happen to a request, and why',
  more: 'With files: under these rules. Without: in the running process, with the state of its endpoints, limits and breakers.',
  options: [
    { name: 'url', short: 'u', value: 'URL', text: 'what is asked for, e.g. http://reviews:9080/reviews/1' },
    { name: 'header', short: 'H', value: 'NAME: VALUE', many: true, text: 'a header of the request' },
    { name: 'method', short: 'X', value: 'METHOD', text: 'default GET' },
    { name: 'json', text: 'the whole explanation as JSON' },
    ...WORKLOAD,
    ...ADMIN,
  ],
  async run(args, around) {
    const request = requestOf(args)
    const said = args.rest.length > 0 ? await offline(request, args, around) : await online(request, args, around)
    if (said === undefined) return EXIT.rules
    around.out(args.has('json') ? `${JSON.stringify(said, undefined, 2)}\n` : shown(said, around))
    return EXIT.good
  },
}

interface Asked {
  url: string
  method: string
  headers: Record<string, string>
}

function requestOf(args: Args): Asked {
  const url = args.get('url')
  if (url === undefined) throw new CliError(EXIT.usage, 'which request is meant?', '--url http://reviews:9080/reviews/1')
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CliError(EXIT.usage, `--url: ${JSON.stringify(url)} is no http or https URL`, 'e.g. http://reviews:9080/reviews/1')
  const headers: Record<string, string> = {}
  for (const header of args.all('header')) {
    const at = header.indexOf(':')
    if (at <= 0) throw new CliError(EXIT.usage, `--header: ${JSON.stringify(header)} is not NAME: VALUE`, "e.g. --header 'end-user: jason'")
    headers[header.slice(0, at).trim()] = header.slice(at + 1).trim()
  }
  return { url, method: args.get('method') ?? 'GET', headers }
}

async function offline(request: Asked, args: Args, around: Around): Promise<Explanation | undefined> {
  const { parts } = await read(args.rest, around)
  const { workload, meshConfig } = await workloadOf(args)
  const sets = parts.map(part => ({ documents: part.text, origin: part.origin }))
  const source = { name: 'files', start: (deliver: (given: typeof sets) => void) => (deliver(sets), () => {}) }
  const core = new MeshCore({ sources: [source], workload, meshConfig, mode: 'enforce', discovery: { resolver: NOBODY } }, NO_TRANSPORT)
  // What is wrong is printed below; what surprises is for lint to say.
  for (const type of ['warning', 'rejected', 'sourceError'] as const) core.events.on(type, () => {})
  try {
    await core.ready()
    return withoutDns(explainIn(core, request))
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    around.err(text(error.diagnostics, around))
    return undefined
  } finally {
    await core.close()
  }
}

/** Nothing is sent by who only looks. */
const NO_TRANSPORT: Transport = {
  connect() {
    throw new Error('explain sends nothing')
  },
}

/** The names of a cluster mean something where the process runs, not here. */
const NOBODY: Resolver = { resolve: async () => [] }

/** A cluster is not empty because DNS was not asked. */
function withoutDns(said: Explanation): Explanation {
  const warnings = said.destinations.reduce(
    (left, { cluster, names }) => (names.length === 0 ? left : left.filter(warning => !warning.startsWith(`${cluster} has no endpoint`))),
    said.warnings,
  )
  return { ...said, warnings }
}

async function online(request: Asked, args: Args, around: Around): Promise<Explanation> {
  const { body } = await new Client(args, around).ask('POST', '/explain', request)
  return body as Explanation
}

function shown(said: Explanation, around: Around): string {
  const paint = paintFor(around)
  const mark = (held: boolean) => (held ? paint.green('✓') : paint.red('✗'))
  const lines = [paint.bold(oneLine(said.verdict))]
  if (said.rule !== undefined) lines.push(oneLine(`  by ${placeText(said.rule)}`))
  if (said.tried.length > 0) lines.push('', paint.bold(oneLine(`routes of ${said.virtualHost}`)))
  for (const { route, rule, chosen, conditions } of said.tried) {
    const place = rule === undefined ? '' : paint.dim(oneLine(`  ${placeText(rule)}`))
    lines.push(`  ${mark(chosen)} ${oneLine(route)}${place}`)
    for (const { text, held } of conditions) lines.push(`      ${mark(held)} ${oneLine(text)}`)
  }
  if (said.policy.length > 0) lines.push('', paint.bold('route'), ...values(said.policy))
  for (const to of said.destinations) {
    lines.push('', paint.bold(oneLine(`${Math.round(to.percent * 100) / 100} % ${to.cluster}`)))
    const rows = to.endpoints.map(e => ['', e.address, labels(e.labels), `active ${e.active}`, e.why])
    if (rows.length > 0) lines.push(table(rows))
    else for (const name of to.names) lines.push(oneLine(`  ${name}  by DNS, asked where the process runs`))
    const used = Object.entries(to.limits).filter(([, { limit }]) => limit < 4_294_967_295)
    for (const [name, { limit, used: now }] of used) lines.push(oneLine(`  limit ${name}: ${now} of ${limit} in use`))
    for (const [name, state] of Object.entries(to.policies)) {
      const s = (state as { state?: string }).state
      if (s !== undefined) lines.push(oneLine(`  ${name}: ${s}`))
    }
    lines.push(...values(to.policy))
  }
  for (const warning of said.warnings) lines.push('', `${paint.yellow('warning')} ${oneLine(warning)}`)
  return `${lines.join('\n')}\n`
}

const labels = (of: Record<string, string>): string =>
  Object.entries(of)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

function values(of: readonly Value[]): string[] {
  if (of.length === 0) return []
  const rows = of.map(({ name, value, from }) => [
    '',
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
    typeof from === 'string' ? from : placeText(from),
  ])
  return table(rows).split('\n')
}

function placeText({ document, path, source, line }: Place): string {
  const at = source === undefined ? (line === undefined ? '' : `line ${line}`) : [source, line].filter(part => part !== undefined).join(':')
  return `${document} ${path}${at === '' ? '' : ` (${at})`}`
}
