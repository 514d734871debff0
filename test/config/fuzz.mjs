/**
 * 10⁵ generated cases of each kind. Each file runs a few hundred of them in `npm test`, and as many as `FUZZ_RUNS` says here, where it
 * is set because npm scripts cannot set a variable on every system. `npm run test:fuzz -- requests` runs the files whose name has
 * "requests" in it; `FUZZ_RUNS` and `FUZZ_SEED` of the caller hold for all of them.
 */
import { spawnSync } from 'node:child_process'

/** By file: runs to ask it for. */
const FILES = {
  // It runs two thirds as many texts again.
  'test/properties/rules-fuzz.test.ts': 60_000,
  'test/properties/admin-fuzz.test.ts': 100_000,
  // A mesh for each run: slow.
  'test/properties/trust-fuzz.test.ts': 10_000,
  'test/properties/nesting-fuzz.test.ts': 100_000,
  'test/properties/requests-fuzz.test.ts': 100_000,
  'test/properties/responses-fuzz.test.ts': 100_000,
}

const args = process.argv.slice(2)
const names = args.filter(arg => !arg.startsWith('-'))
const options = args.filter(arg => arg.startsWith('-'))
const files = Object.keys(FILES).filter(file => names.length === 0 || names.some(name => file.includes(name)))
if (files.length === 0) {
  console.error(`no file of ${Object.keys(FILES).join(', ')} has ${names.join(' or ')} in its name`)
  process.exit(2)
}

let failed = false
for (const file of files) {
  const run = spawnSync('npx', ['vitest', 'run', '--config', 'test/config/vitest.config.ts', file, ...options], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { FUZZ_RUNS: String(FILES[file]), ...process.env },
  })
  failed ||= run.status !== 0
}
process.exit(failed ? 1 : 0)
