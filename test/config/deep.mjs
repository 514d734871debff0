// Runs every model test with 10⁶ operations: those that take their number of runs from test/deep.ts. The variable is set here because npm scripts
// cannot set one on every system.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const tests = readdirSync('test', { recursive: true })
  .map(file => `test/${file}`)
  .filter(file => file.endsWith('.test.ts') && /from '[./]*\/deep\.ts'/.test(readFileSync(file, 'utf8')))
const run = spawnSync('npx', ['vitest', 'run', '--config', 'test/config/vitest.config.ts', ...tests, ...process.argv.slice(2)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...process.env, DEEP: '1' },
})
process.exit(run.status ?? 1)
