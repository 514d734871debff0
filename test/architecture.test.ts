/** The house's own rules: imports go one way, and the machine's clocks are touched in one place. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))
const files = (readdirSync(src, { recursive: true }) as string[]).filter(f => f.endsWith('.ts')).map(f => f.replaceAll(path.sep, '/'))

const MAY_IMPORT: Record<string, string[]> = {
  base: [],
  core: ['base'],
  envoy: [],
  policies: ['base', 'core'],
  rules: ['base', 'core', 'envoy'],
  traffic: ['base', 'core', 'envoy', 'policies'],
  mesh: ['base', 'core', 'envoy', 'policies', 'rules', 'traffic'],
  adapters: ['base', 'core', 'envoy', 'policies', 'rules', 'traffic', 'mesh'],
  ops: ['base', 'core', 'envoy', 'policies', 'rules', 'traffic', 'mesh', 'adapters'],
  testing: ['base', 'core'],
}

test('there are files', () => expect(files.length).toBeGreaterThan(80))

test.each(files.filter(f => f !== 'index.ts'))('%s imports only downwards', file => {
  const room = file.split('/')[0]!
  const allowed = [room, ...MAY_IMPORT[room]!]
  for (const [, target] of readFileSync(path.join(src, file), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
    const to = path.posix.normalize(path.posix.join(path.posix.dirname(file), target!)).split('/')[0]!
    expect(allowed, `${file} imports ${target}`).toContain(to)
  }
})

test.each(files.filter(f => !f.startsWith('base/time/')))('%s touches no clock, timer or chance of the machine', file => {
  expect(readFileSync(path.join(src, file), 'utf8')).not.toMatch(
    /\b(Date\.now|setTimeout|setInterval|setImmediate|queueMicrotask|Math\.random|performance\.now)\b/,
  )
})

const tests = fileURLToPath(new URL('.', import.meta.url))
const mirrored = (readdirSync(tests, { recursive: true }) as string[])
  .map(f => f.replaceAll(path.sep, '/'))
  .filter(f => f.endsWith('.test.ts') && MAY_IMPORT[f.split('/')[0]!] !== undefined)

test.each(mirrored)('test/%s stands where its source stands', file => {
  const source = file.slice(0, -'.test.ts'.length)
  const folder = path.posix.dirname(source)
  const known = files.includes(`${source}.ts`) || files.some(f => f.startsWith(`${source}/`))
  // A test of several files of one folder has a name of its own, and stands in that folder.
  expect(known || files.some(f => path.posix.dirname(f) === folder), `src/${source}.ts, or a folder src/${folder}`).toBe(true)
})

test('files do not import each other in circles', () => {
  const imports = new Map(
    files.map(file => [
      file,
      [...readFileSync(path.join(src, file), 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, target]) =>
        path.posix.normalize(path.posix.join(path.posix.dirname(file), target!)),
      ),
    ]),
  )
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) throw new Error([...way.slice(way.indexOf(file)), file].join(' -> '))
    if (done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
})
