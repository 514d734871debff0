#!/usr/bin/env node
/** The command line's only contact with the process: arguments in, text and an exit code out. */
import process from 'node:process'
import { run } from './run.ts'

const stdin = async (): Promise<string> => {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) text += chunk
  return text
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', error => {
  process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 2)
})
process.stderr.on('error', () => {})

run(process.argv.slice(2), {
  env: process.env,
  terminal: process.stdout.isTTY === true,
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
  stdin,
  fetch: globalThis.fetch,
}).then(code => {
  process.exitCode = code
})
