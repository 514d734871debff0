// Runs the bundled tests in Node, Deno and Bun: `node-entry.mjs BUNDLE SERVER [ONLY]`. One line of JSON for each test.
import { pathToFileURL } from 'node:url'

const [bundle, server, only] = process.argv.slice(2)
const say = result => process.stdout.write(`${JSON.stringify(result)}\n`)
const unheard = (what, error) => say({ file: '', name: what, state: 'failed', reason: String(error?.stack ?? error) })
process.on('unhandledRejection', error => unheard('an unhandled rejection', error))
process.on('uncaughtException', error => unheard('an uncaught exception', error))
globalThis.SERVER = server
await import(pathToFileURL(bundle))
await globalThis.runTests(say, only)
say({ done: true })
process.exit()
