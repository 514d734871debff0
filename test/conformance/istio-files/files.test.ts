/** Istio's own files (../shared): samples are accepted, what its analyzers look for is said as docs/rules/analyzers.md says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { translate } from '../../../src/rules/translate.ts'
import { validate } from '../../../src/rules/validate.ts'

const shared = new URL('../../../../shared/istio/', import.meta.url)
const READ = /^kind: (?:VirtualService|DestinationRule|ServiceEntry|WorkloadEntry|Sidecar)\s*$/m

function yamlFiles(folder: string): [string, string][] {
  const at = new URL(`${folder}/`, shared)
  if (!existsSync(at)) return []
  return (readdirSync(at, { recursive: true }) as string[])
    .filter(file => file.endsWith('.yaml'))
    .map(file => [file, readFileSync(new URL(file, at), 'utf8')])
}

describe.skipIf(!existsSync(shared))('files of Istio (../shared)', () => {
  it.each(yamlFiles('samples'))('sample %s is accepted', (_, yaml) => {
    expect(validate(yaml, { strict: false }).filter(({ severity }) => severity === 'error')).toEqual([])
    expect(translate(yaml).clusters.length).toBeGreaterThan(0)
  })

  const table = readFileSync(new URL('../../../docs/rules/analyzers.md', import.meta.url), 'utf8')
  const rows = new Map([...table.matchAll(/^\| (\S+\.yaml) \|[^|]*\| ([^|]*) \|/gm)].map(([, file, said]) => [file!, said!]))
  const files = yamlFiles('analyzers-testdata')

  it('the table has every file with a kind that is read, and no other', () => {
    expect([...rows.keys()].sort()).toEqual(
      files
        .filter(([, yaml]) => READ.test(yaml))
        .map(([file]) => file)
        .sort(),
    )
  })
  it.each(files)('%s', (file, yaml) => {
    const found = validate(yaml, { lint: true })
    for (const { line, message } of found) expect({ message, placed: line! > 0 }).toEqual({ message, placed: true })
    translate(yaml)
    const said = rows.get(file)
    if (said === undefined) return
    const wanted = [...said.matchAll(/(error|warning|info) `([\w-]+)`/g)].map(([, severity, code]) => `${severity} ${code}`)
    const given = found.map(({ severity, code }) => `${severity} ${code}`)
    for (const one of wanted) expect(given).toContain(one)
    if (wanted.length === 0) expect(found.filter(({ severity }) => severity !== 'info')).toEqual([])
  })
  it.each([...yamlFiles('tests-testdata-config'), ...yamlFiles('validation-testdata')])('%s is answered', (_, yaml) => {
    for (const { line } of validate(yaml, { lint: true, strict: true })) expect(line).toBeGreaterThan(0)
    translate(yaml)
  })
})
