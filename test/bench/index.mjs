// The table of budgets: every row a figure. `npm run bench` prints it; `npm run bench -- --write` puts it into docs/performance.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { verdict } from './measure.mjs'

const table = ['| what | figure | budget | |', '|---|---|---|---|']
for (const name of ['stack', 'decision', 'fetch', 'memory', 'size']) {
  const file = new URL(`./${name}.mjs`, import.meta.url)
  const rows = existsSync(file) ? (await import(file)).default : undefined
  for (const { what, figure, budget, holds } of rows === undefined ? [] : await rows())
    table.push(`| ${what} | ${figure} | ${budget} | ${verdict(holds)} |`)
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
