/** The page's figure of states and its list of differences are made from what the code and the tests have. `UPDATE_DOCS=1` writes them anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { STATES, TRANSITIONS } from '../../../src/policies/circuit-breaker/transitions.ts'
import { DIFFERENCES } from '../../conformance/resilience4j/breaker-differences.ts'

const page = new URL('../../../docs/policies/circuit-breaker.md', import.meta.url)

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
function block(name: string, wanted: string): string {
  const text = readFileSync(page, 'utf8')
  const [start, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`]
  const from = text.indexOf(start) + start.length
  const to = text.indexOf(end)
  expect(from).toBeGreaterThan(start.length)
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, text.slice(0, from) + wanted + text.slice(to))
  return process.env['UPDATE_DOCS'] === '1' ? wanted : text.slice(from, to)
}

function figure(): string {
  const lines: string[] = []
  for (const from of STATES)
    for (const to of STATES) {
      const causes = (TRANSITIONS[from][to] ?? []).filter(cause => cause !== 'manual' && cause !== 'reset')
      if (causes.length > 0) lines.push(`  ${from} --> ${to}: ${causes.join(' / ')}`)
    }
  const by: Record<string, string> = { OPEN: '`open()`', CLOSED: '`close()`', HALF_OPEN: '`halfOpen()`', DISABLED: '`disable()`' }
  by['FORCED_OPEN'] = '`forceOpen()`'
  by['METRICS_ONLY'] = '`metricsOnly()`'
  const rows = STATES.map(
    from => `| ${from} | ${STATES.map(to => (TRANSITIONS[from][to]?.includes('manual') ? 'yes' : 'throws')).join(' | ')} |`,
  )
  return [
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> CLOSED',
    ...lines,
    '```',
    '',
    'By hand:',
    '',
    `| from | ${STATES.map(to => by[to]).join(' | ')} |`,
    `|---|${STATES.map(() => '---').join('|')}|`,
    ...rows,
    '',
    '`reset()` leads to CLOSED from everywhere, with an empty window.',
    '',
  ].join('\n')
}

test('the figure and the table of states are those of the transition table', () => expect(block('transitions', figure())).toBe(figure()))

test('the differences are those that the replays leave out', () => {
  const rows = DIFFERENCES.map(({ bug, cases, peer, ours }) => `| ${bug} | ${cases.map(c => `\`${c}\``).join(', ')} | ${peer} | ${ours} |`)
  const table = ['| bug | recorded in | Resilience4j | here |', '|---|---|---|---|', ...rows, ''].join('\n')
  expect(block('differences', table)).toBe(table)
})
