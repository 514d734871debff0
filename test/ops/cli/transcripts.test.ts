/** The transcripts of the guide are what the command line says. `UPDATE=1` writes them anew. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { run } from '../../../src/ops/cli/run.ts'

const page = fileURLToPath(new URL('../../../docs/guide/cli.md', import.meta.url))
const text = readFileSync(page, 'utf8')
const TOKEN = 'a token for the test'
const before = process.cwd()
let home: string
let mesh: Mesh
let url: string

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'meshless-cli-'))
  process.chdir(home)
  mesh = createMesh()
  url = (await mesh.admin({ token: TOKEN })).url
})
afterAll(async () => {
  await mesh.close()
  process.chdir(before)
  rmSync(home, { recursive: true, force: true })
})

/** Splits a line as a shell would: blanks, and single quotes. */
const words = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(m => m[1] ?? m[2]!)

async function play(block: string, last: { code: number }): Promise<string> {
  const lines: string[] = []
  for (const line of block.split('\n').filter(l => l.startsWith('$ '))) {
    lines.push(line)
    if (line === '$ echo $?') {
      lines.push(String(last.code))
      continue
    }
    let said = ''
    const hear = (part: string) => {
      said += part
    }
    last.code = await run(words(line).slice(2), {
      env: { MESHLESS_ADMIN: url, MESHLESS_TOKEN: TOKEN },
      terminal: false,
      out: hear,
      err: hear,
      stdin: async () => '',
      fetch,
    })
    if (said !== '') lines.push(said.trimEnd())
  }
  return lines.join('\n')
}

test('every transcript of the guide', async () => {
  const last = { code: 0 }
  let made = ''
  let at = 0
  for (const found of text.matchAll(/```(console|yaml file=(\S+))\n([\s\S]*?)\n```/g)) {
    const [whole, , file, block = ''] = found
    made += text.slice(at, found.index)
    at = found.index + whole.length
    if (file !== undefined) writeFileSync(path.join(home, file), `${block}\n`)
    made += file !== undefined ? whole : `\`\`\`console\n${await play(block, last)}\n\`\`\``
  }
  made += text.slice(at)
  if (process.env['UPDATE']) writeFileSync(page, made)
  else expect(made).toBe(text)
})
