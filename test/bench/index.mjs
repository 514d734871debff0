// The table of budgets: every row a figure. `npm run bench` prints it; `npm run bench -- --write` puts it into docs/performance.md.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'

const table = ['| what | figure | budget | |', '|---|---|---|---|']
for (const name of ['stack', 'decision', 'fetch', 'memory', 'size']) {
  // A process each: what one has compiled and collected is not the next one's burden.
  const rows = execFileSync(process.execPath, ['--expose-gc', fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))], {
    encoding: 'utf8',
  })
  table.push(...rows.trimEnd().split('\n'))
}
const where = `Node ${process.versions.node}, ${os.cpus().length} cores, ${os.platform()} ${os.arch()}`
console.log([where, '', ...table].join('\n'))
if (process.argv.includes('--write')) {
  const page = new URL('../../docs/performance.md', import.meta.url)
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(/(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/, (_, open, close) => `${open}${where}\n\n${table.join('\n')}\n${close}`),
  )
}
