/**
 * Mutation testing: `npm run test:mutation [-- group …]`. Each group of groups.mjs is mutated on its own and must
 * reach the score below. Survivors that change nothing that can be seen are listed in survivors.json with a reason;
 * they count as killed, and an entry that no longer survives fails the run, so the list only shrinks.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { GROUPS } from './groups.mjs'
import { summarise } from './report.mjs'

const WANTED = 92
const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(here, '../..')
if (!existsSync(path.join(here, 'node_modules/@stryker-mutator/core'))) {
  console.error("SKIPPED: mutation testing needs Stryker; npm run test:mutation installs it")
  process.exit(1)
}
const asked = process.argv.slice(2)
const unknown = asked.filter(name => GROUPS[name] === undefined)
if (unknown.length > 0) {
  console.error(`unknown group ${unknown.join(', ')}; the groups are ${Object.keys(GROUPS).join(', ')}`)
  process.exit(2)
}

const out = path.join(root, 'report/mutation')
mkdirSync(out, { recursive: true })
const rows = []
for (const name of asked.length > 0 ? asked : Object.keys(GROUPS)) {
  const { src, tests } = GROUPS[name]
  const report = path.join(out, `${name}.json`)
  rmSync(report, { force: true })
  const config = path.join(out, `${name}.config.json`)
  writeFileSync(
    config,
    JSON.stringify({
      packageManager: 'npm',
      plugins: [path.join(here, 'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js')],
      testRunner: 'vitest',
      vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
      mutate: src.map(file => `src/${file}`),
      reporters: ['json'],
      jsonReporter: { fileName: report },
      // Option texts and messages are not behaviour that a kernel's tests compare.
      mutator: { excludedMutations: ['StringLiteral'] },
      ignorePatterns: ['dist', 'report', 'docs/api', 'test/bench', 'test/mutation/node_modules', '.git'],
      tempDirName: `report/mutation/.${name}`,
      cleanTempDir: 'always',
      concurrency: Number(process.env.MUTATION_WORKERS ?? 2),
      timeoutMS: 10_000,
      allowEmpty: false,
    }),
  )
  const started = Date.now()
  const run = spawnSync(process.execPath, [path.join(here, 'node_modules/@stryker-mutator/core/bin/stryker.js'), 'run', config], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MUTATION_TESTS: JSON.stringify(tests.map(file => `test/${file}`)) },
  })
  if (run.status !== 0 || !existsSync(report)) {
    console.error(`${name}: Stryker ended with ${run.status}; run it with --logLevel debug to see why`)
    process.exit(1)
  }
  const row = summarise(name, JSON.parse(readFileSync(report, 'utf8')), path.join(here, 'survivors.json'))
  rows.push(row)
  console.log(`${name.padEnd(22)} ${row.score.toFixed(1).padStart(5)} %  (${row.killed}/${row.total}, ${row.listed} listed, ${Math.round((Date.now() - started) / 1000)} s)`)
  for (const line of row.open) console.log(`    ${line}`)
}
const failed = rows.filter(row => row.score < WANTED || row.stale.length > 0)
for (const row of failed) for (const line of row.stale) console.error(`${row.name}: listed in survivors.json but killed: ${line}`)
console.log(`${rows.length - failed.length} of ${rows.length} groups reach ${WANTED} %`)
process.exit(failed.length > 0 ? 1 : 0)
