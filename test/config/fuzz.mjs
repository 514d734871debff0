// 10⁵ generated and mutated documents through validate and translate. The variable is set here because npm scripts cannot set one on every system.
import { spawnSync } from 'node:child_process'

const file = 'test/properties/rules-fuzz.test.ts'
const run = spawnSync('npx', ['vitest', 'run', '--config', 'test/config/vitest.config.ts', file, ...process.argv.slice(2)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { FUZZ_RUNS: '60000', ...process.env },
})
process.exit(run.status ?? 1)
