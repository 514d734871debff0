/** Fills the marked parts of docs/rules with what the code says. */

import { DIAGNOSTIC_CODES } from '../../src/rules/istio/diagnostic-codes.ts'
import { ISTIO_KINDS, OWN_KINDS } from '../../src/rules/istio/schema/index.ts'
import { kindTables } from '../../src/rules/istio/schema/publish/table.ts'

const MARKED = /(<!-- made: ([\w-]+)(?: (\w+))? -->\n)([\s\S]*?)(<!-- \/made -->)/g

export function rulesPage(page: string): string {
  return page.replace(
    MARKED,
    (_, open: string, what: string, of: string | undefined, _old, close: string) => `${open}\n${make(what, of)}\n\n${close}`,
  )
}

function make(what: string, of: string | undefined): string {
  if (what === 'kind') return kindTables((ISTIO_KINDS.get(of!) ?? OWN_KINDS.get(of!))!)
  if (what === 'codes')
    return ['| code | meaning |', '|---|---|', ...Object.entries(DIAGNOSTIC_CODES).map(([code, text]) => `| \`${code}\` | ${text} |`)].join(
      '\n',
    )
  throw new Error(`nobody makes ${what}`)
}
