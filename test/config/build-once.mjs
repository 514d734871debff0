// Builds the package when it was never built, or when a source file is newer than the build: `npm start` is the first thing people run.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'

const newest = folder =>
  readdirSync(folder, { withFileTypes: true }).reduce((time, entry) => {
    const at = path.join(folder, entry.name)
    return Math.max(time, entry.isDirectory() ? newest(at) : statSync(at).mtimeMs)
  }, 0)

const built = 'dist/index.d.ts'
if (!existsSync(built) || statSync(built).mtimeMs < newest('src')) {
  const run = spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' })
  if (run.status !== 0) {
    process.stdout.write(run.stdout)
    process.exit(run.status ?? 1)
  }
}
