/** Rules from real files: directories, ConfigMap mounts, edits that break and are mended. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nextTurn } from '../../../src/base/time/slices.ts'
import type { MeshEvents } from '../../../src/index.ts'
import { createMesh, files, type Mesh, RuleError } from '../../../src/index.ts'

let home: string
const open: Mesh[] = []
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'meshless-files-'))
})
afterEach(async () => {
  for (const mesh of open.splice(0)) await mesh.close()
  rmSync(home, { recursive: true, force: true })
})

const rule = (name: string, status = 200) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name} }\nspec: { hosts: [${name}.test], http: [{ name: ${name}-${status}, directResponse: { status: ${status} } }] }\n`
const write = (name: string, text: string) => {
  mkdirSync(path.dirname(path.join(home, name)), { recursive: true })
  writeFileSync(path.join(home, name), text)
}
const meshOf = (at: string | URL, options = {}) => {
  const mesh = createMesh({ sources: [files(at, { watch: true, debounce: 5, ...options })] })
  open.push(mesh)
  return mesh
}
const next = <K extends keyof MeshEvents>(mesh: Mesh, type: K) => new Promise<MeshEvents[K]>(resolve => mesh.on(type, resolve))
const routeOf = (mesh: Mesh, name: string) => mesh.explain({ url: `http://${name}.test/` }).route

describe('what is read', () => {
  test('a directory: rule files below it, by name, without hidden ones', async () => {
    write('b.yml', rule('b'))
    write('a.yaml', rule('a'))
    write(
      'sub/c.json',
      JSON.stringify({
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 'c' },
        spec: { hosts: ['c.test'], http: [{ name: 'c', directResponse: { status: 200 } }] },
      }),
    )
    write('.hidden.yaml', 'kind: [')
    write('notes.txt', 'kind: [')
    const mesh = meshOf(home)
    await mesh.ready()
    expect(['a', 'b', 'c'].map(n => routeOf(mesh, n))).toEqual(['a-200', 'b-200', 'c'])
    expect(mesh.snapshot().sources[1]).toEqual({ name: `files:${home}`, version: 2, documents: 3, state: 'ok' })
  })

  test('a directory with files that are no rules: they are left alone with an info', async () => {
    write('a.yaml', rule('a'))
    write('kustomization.yaml', 'resources:\n- a.yaml\n')
    write('values.json', '{ "replicas": 3 }')
    const mesh = meshOf(home)
    await mesh.ready()
    expect(routeOf(mesh, 'a')).toBe('a-200')
    const infos = mesh.diagnostics.filter(d => d.severity === 'info')
    expect(infos.map(d => [d.code, path.basename(d.source ?? '')])).toEqual([
      ['not-a-document', 'kustomization.yaml'],
      ['not-a-document', 'values.json'],
    ])
  })
  test('a file, also as URL; an empty directory is an empty set', async () => {
    write('a.yaml', rule('a'))
    const mesh = meshOf(pathToFileURL(path.join(home, 'a.yaml')), { watch: false })
    await mesh.ready()
    expect(routeOf(mesh, 'a')).toBe('a-200')
    mkdirSync(path.join(home, 'empty'))
    await meshOf(path.join(home, 'empty')).ready()
  })

  test('what is not there is said by ready', async () => {
    await expect(meshOf(path.join(home, 'nowhere.yaml')).ready()).rejects.toThrow(/nowhere.yaml" is not there/)
  })

  test('a wrong first set is a RuleError with file and line', async () => {
    write('a.yaml', `${rule('a')}---\n${rule('b').replace('200 }', 'many }')}`)
    const error = await meshOf(home)
      .ready()
      .catch(e => e)
    expect(error).toBeInstanceOf(RuleError)
    expect(error.diagnostics[0]).toMatchObject({ source: path.join(home, 'a.yaml'), line: 9 })
    expect(error.message).toContain('a.yaml line 9')
  })
})

describe('watching', () => {
  test('an edit takes effect; a broken one leaves the last good set and is told; mending it takes effect', async () => {
    write('a.yaml', rule('a'))
    const mesh = meshOf(home)
    await mesh.ready()
    let told: Promise<unknown> = next(mesh, 'applied')
    write('a.yaml', rule('a', 201))
    await told
    expect(routeOf(mesh, 'a')).toBe('a-201')
    const rejected = next(mesh, 'rejected')
    write('a.yaml', 'kind: [')
    expect(await rejected).toMatchObject({ source: `files:${home}`, errors: [{ code: 'invalid-yaml', source: path.join(home, 'a.yaml') }] })
    expect(routeOf(mesh, 'a')).toBe('a-201')
    await nextTurn()
    expect(mesh.snapshot().sources[1]!.state).toBe('rejected')
    told = next(mesh, 'applied')
    write('a.yaml', rule('a', 202))
    await told
    expect(routeOf(mesh, 'a')).toBe('a-202')
    await nextTurn()
    expect(mesh.snapshot().sources[1]!.state).toBe('ok')
  })

  test('files come and go, in new directories too', async () => {
    write('a.yaml', rule('a'))
    const mesh = meshOf(home)
    await mesh.ready()
    const until = async (wanted: () => boolean) => {
      while (!wanted()) await next(mesh, 'applied')
    }
    write('sub/b.yaml', rule('b'))
    await until(() => routeOf(mesh, 'b') === 'b-200')
    write('sub/b.yaml', rule('b', 201))
    await until(() => routeOf(mesh, 'b') === 'b-201')
    unlinkSync(path.join(home, 'a.yaml'))
    await until(() => routeOf(mesh, 'a') === 'allow_any')
  })

  test('an editor that writes beside and renames is followed, for a single file too', async () => {
    write('a.yaml', rule('a'))
    const mesh = meshOf(path.join(home, 'a.yaml'))
    await mesh.ready()
    const told = next(mesh, 'applied')
    write('a.yaml.tmp', rule('a', 201))
    renameSync(path.join(home, 'a.yaml.tmp'), path.join(home, 'a.yaml'))
    await told
    expect(routeOf(mesh, 'a')).toBe('a-201')
  })

  test('a ConfigMap is swapped as a whole', async () => {
    const swap = (version: string, status: number) => {
      write(`..${version}/a.yaml`, rule('a', status))
      write(`..${version}/b.yaml`, rule('b', status))
      symlinkSync(`..${version}`, path.join(home, '..data_tmp'))
      renameSync(path.join(home, '..data_tmp'), path.join(home, '..data'))
    }
    swap('1', 200)
    symlinkSync('..data/a.yaml', path.join(home, 'a.yaml'))
    symlinkSync('..data/b.yaml', path.join(home, 'b.yaml'))
    const mesh = meshOf(home)
    await mesh.ready()
    expect(routeOf(mesh, 'a')).toBe('a-200')
    const applied: number[] = []
    mesh.on('applied', e => applied.push(e.version))
    const told = next(mesh, 'applied')
    swap('2', 201)
    rmSync(path.join(home, '..1'), { recursive: true })
    await told
    expect([routeOf(mesh, 'a'), routeOf(mesh, 'b')]).toEqual(['a-201', 'b-201'])
    expect(applied).toEqual([3])
  })

  test('a directory that vanishes keeps its last set', async () => {
    write('rules/a.yaml', rule('a'))
    const mesh = meshOf(path.join(home, 'rules'), { poll: 20 })
    await mesh.ready()
    const failed = next(mesh, 'sourceError')
    rmSync(path.join(home, 'rules'), { recursive: true })
    const { error } = await failed
    expect(error.message).toContain('is not there')
    expect(routeOf(mesh, 'a')).toBe('a-200')
    const told = next(mesh, 'applied')
    write('rules/a.yaml', rule('a', 201))
    await told
    expect(routeOf(mesh, 'a')).toBe('a-201')
  })
})

test('rules of files that are trusted less reach no further', async () => {
  write('a.yaml', `apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: { name: a }\nspec: { address: "unix:///x" }\n`)
  const error = await meshOf(home, { trust: { unixSockets: false } })
    .ready()
    .catch(e => e)
  expect(error.diagnostics).toMatchObject([{ code: 'trust-unix-socket', path: 'spec.address', line: 4 }])
})

test('a listener that logs into the watched folder is not told of the same failure again', async () => {
  const mesh = meshOf(path.join(home, 'rules.yaml'))
  const heard: string[] = []
  mesh.on('sourceError', ({ error }) => {
    heard.push(error.message)
    writeFileSync(path.join(home, 'errors.log'), `${heard.length}`)
  })
  await expect(mesh.ready()).rejects.toThrow('is not there')
  for (let i = 0; i < 10; i++) {
    write('other.txt', String(i))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  expect(heard.length).toBe(1)
  const told = next(mesh, 'applied')
  write('rules.yaml', rule('a'))
  await told
  const failed = next(mesh, 'sourceError')
  rmSync(path.join(home, 'rules.yaml'))
  await failed
  expect(heard.length).toBe(2)
})

test.each<[string, () => void]>([
  ['a file that becomes empty', () => write('rules/a.yaml', '')],
  ['one in which all is a comment', () => write('rules/a.yaml', '# kind: VirtualService\n---\n')],
  ['a folder without a rule file', () => rmSync(path.join(home, 'rules/a.yaml'))],
  ['documents of other kinds alone', () => write('rules/a.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n')],
])('%s loses its rules with a warning', async (_what, empty) => {
  write('rules/a.yaml', rule('a'))
  const mesh = meshOf(path.join(home, 'rules'))
  await mesh.ready()
  const told = next(mesh, 'applied')
  empty()
  const { warnings, version } = await told
  expect(warnings.filter(w => w.severity === 'warning')).toEqual([
    {
      severity: 'warning',
      code: 'rules-emptied',
      message: `source files:${home}/rules has no documents: the 1 it had are not in force any more`,
      hint: 'if that was not meant, mesh.rollback(2) brings them back',
    },
  ])
  expect(mesh.diagnostics.map(d => d.code)).toContain('rules-emptied')
  expect((await mesh.rollback(version - 1)).accepted).toBe(true)
  expect(routeOf(mesh, 'a')).toBe('a-200')
})
