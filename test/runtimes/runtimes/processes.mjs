// Runtimes that are a program: Node in its versions, Deno, Bun. Their binaries come out of the npm packages of package.json.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const at = name => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url))
const entry = fileURLToPath(new URL('../node-entry.mjs', import.meta.url))

function program(name, file, before = []) {
  return {
    name,
    sockets: true,
    async find() {
      if (!existsSync(file)) throw new Error(`no ${name}: npm --prefix test/runtimes ci`)
      const version = execFileSync(file, ['--version'], { encoding: 'utf8' }).match(/\d+\.\d+\.\d+/)[0]
      return { version }
    },
    run: (_, { bundle, server, only, report }) =>
      new Promise((resolve, reject) => {
        const child = spawn(file, [...before, entry, bundle, server, only], { stdio: ['ignore', 'pipe', 'pipe'] })
        let over = false
        let said = ''
        createInterface(child.stdout).on('line', line => {
          let result
          try {
            result = JSON.parse(line)
          } catch {
            said += `${line}\n`
            return
          }
          if (result.done) over = true
          else report(result)
        })
        child.stderr.on('data', text => {
          said = (said + text).slice(-5000)
        })
        child.on('error', reject)
        child.on('close', code => {
          if (!over) report({ file: '', name: 'the process ended', state: 'failed', reason: `exit code ${code}\n${said}` })
          resolve()
        })
      }),
  }
}

export const processes = [
  program('Node 22', at('node-22/bin/node'), ['--expose-gc']),
  program('Node 24', at('node-24/bin/node'), ['--expose-gc']),
  program('Node 26', at('node-26/bin/node'), ['--expose-gc']),
  program('Deno', at('.bin/deno'), ['run', '-A', '--v8-flags=--expose-gc']),
  program('Bun', at('.bin/bun')),
]
