/** Diagnostics for people (with colours on a terminal), for scripts (JSON), for GitHub's annotations and for code scanning (SARIF). */
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import type { Args, OptionSpec } from './args.ts'
import type { Around } from './around.ts'
import { paintFor } from './paint.ts'
import { oneLine } from './printable.ts'

const FORMATS = ['text', 'json', 'github', 'sarif'] as const

export const FORMAT: readonly OptionSpec[] = [
  { name: 'format', value: 'FORMAT', of: FORMATS, text: 'text (default), json, github (annotations of a workflow) or sarif' },
  { name: 'json', text: 'the same as --format json' },
]

/** Prints what was found; gives back whether there are errors. */
export function tell(found: readonly Diagnostic[], args: Args, around: Around): boolean {
  const format = args.has('json') ? 'json' : (args.get('format') ?? 'text')
  const errors = found.filter(d => d.severity === 'error').length
  if (format === 'json') around.out(`${JSON.stringify(found, undefined, 2)}\n`)
  else if (format === 'sarif') around.out(`${JSON.stringify(sarif(found), undefined, 2)}\n`)
  else if (format === 'github') for (const d of found) around.out(`${github(d)}\n`)
  else around.out(text(found, around))
  return errors > 0
}

export function text(found: readonly Diagnostic[], around: Around): string {
  const paint = paintFor(around)
  const colour = { error: paint.red, warning: paint.yellow, info: paint.blue }
  const lines: string[] = []
  for (const d of found) {
    const where = oneLine([d.kind, d.name, d.path].filter(Boolean).join(' '))
    lines.push(
      `${paint.bold(oneLine(placeOf(d)))} ${colour[d.severity](d.severity)} ${oneLine(d.message)} ${paint.dim(`[${oneLine(d.code)}]`)}`,
    )
    if (where !== '') lines.push(`    ${paint.dim(where)}`)
    if (d.hint !== undefined) lines.push(`    ${paint.green('hint:')} ${oneLine(d.hint)}`)
  }
  const count = (severity: string, name: string) => {
    const n = found.filter(d => d.severity === severity).length
    return n === 0 ? [] : [`${n} ${name}${n === 1 ? '' : 's'}`]
  }
  const sum = [...count('error', 'error'), ...count('warning', 'warning'), ...count('info', 'note')].join(', ')
  lines.push(sum === '' ? paint.green('no faults') : sum)
  return `${lines.join('\n')}\n`
}

function placeOf(d: Diagnostic): string {
  const file = d.source ?? '-'
  return d.line === undefined ? `${file}:` : `${file}:${d.line}:${d.column ?? 1}:`
}

/** https://docs.github.com/actions/reference/workflow-commands */
function github(d: Diagnostic): string {
  const value = (given: string) => given.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (given: string | number) => value(String(given)).replaceAll(':', '%3A').replaceAll(',', '%2C')
  const properties = [
    ...(d.source === undefined || d.source === '-' ? [] : [`file=${property(d.source)}`]),
    ...(d.line === undefined ? [] : [`line=${d.line}`, `col=${d.column ?? 1}`]),
    `title=${property(d.code)}`,
  ]
  return `::${d.severity === 'info' ? 'notice' : d.severity} ${properties.join(',')}::${value(d.hint === undefined ? d.message : `${d.message} (${d.hint})`)}`
}

function sarif(found: readonly Diagnostic[]): object {
  const rules = [...new Set(found.map(d => d.code))].map(id => ({ id }))
  const results = found.map(d => ({
    ruleId: d.code,
    level: d.severity === 'info' ? 'note' : d.severity,
    message: { text: d.hint === undefined ? d.message : `${d.message} (${d.hint})` },
    ...(d.source === undefined || d.source === '-'
      ? {}
      : {
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(d.source.replaceAll('\\', '/')) },
                ...(d.line === undefined ? {} : { region: { startLine: d.line, startColumn: d.column ?? 1 } }),
              },
            },
          ],
        }),
  }))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'meshless', rules } }, results }],
  }
}
