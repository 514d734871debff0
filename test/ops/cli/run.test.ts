/** The command line as a function: what it says, and how it ends. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseYaml } from '../../../src/base/formats/yaml.ts'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { COMMANDS } from '../../../src/ops/cli/commands.ts'
import { STARTER } from '../../../src/ops/cli/init.ts'
import { run } from '../../../src/ops/cli/run.ts'
import { VERSION } from '../../../src/ops/cli/version.ts'
import { files } from '../../../src/rules/sources/files.ts'
import { validate } from '../../../src/rules/validate.ts'
import { all, destination, service, virtual } from '../../mesh/documents.ts'

const TOKEN = 'a token for the test'
let home: string
const open: Mesh[] = []
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'meshless-cli-'))
})
afterEach(async () => {
  for (const mesh of open.splice(0)) await mesh.close()
  rmSync(home, { recursive: true, force: true })
})
const file = (name: string, text: string) => {
  writeFileSync(path.join(home, name), text)
  return path.join(home, name)
}
async function cli(argv: string[], around: { env?: Record<string, string>; stdin?: string; terminal?: boolean } = {}) {
  let out = ''
  let err = ''
  const code = await run(argv, {
    env: around.env ?? {},
    terminal: around.terminal === true,
    out: text => void (out += text),
    err: text => void (err += text),
    stdin: async () => around.stdin ?? '',
    fetch,
  })
  return { code, out, err }
}
async function running(rules = all(service('a'), virtual('a'))) {
  const mesh = createMesh({ rules })
  open.push(mesh)
  const { url } = await mesh.admin({ token: TOKEN, trust: { unixSockets: true, linkLocal: true } })
  const env = { MESHLESS_ADMIN: url, MESHLESS_TOKEN: TOKEN }
  return { mesh, env }
}
const wrong = virtual('a', '[{ timeout: soon, route: [{ destination: { host: a.test } }] }]')

describe('usage', () => {
  test.each([
    [[], 2, ''],
    [['help'], 0, ''],
    [['--help'], 0, ''],
    [['--version'], 0, ''],
    [['nonsense'], 2, 'there is no command "nonsense"'],
    [['vaildate'], 2, 'did you mean validate?'],
    [['validate'], 2, 'no rules are given'],
    [['validate', '--strickt', 'x'], 2, 'did you mean --strict?'],
    [['validate', '--format', 'xml', 'x'], 2, '"xml" is not one of text, json, github, sarif'],
    [['validate', '--format'], 2, '--format needs a value'],
    [['validate', '--strict=yes', 'x'], 2, '--strict takes no value'],
    [['validate', '/nowhere/at.yaml'], 2, 'no such file or directory'],
    [['explain', 'x.yaml'], 2, 'which request is meant?'],
    [['explain', '--url', 'reviews', 'x.yaml'], 2, 'is no http or https URL'],
    [['explain', '--url', 'http://a', '-H', 'nocolon', 'x.yaml'], 2, 'is not NAME: VALUE'],
    [['translate', '--label', 'x', '-'], 2, 'is not KEY=VALUE'],
    [['translate', '--mesh-config', '/nowhere', '-'], 2, 'cannot be read'],
    [['get'], 2, 'which process is meant?'],
    [['delete', 'VirtualService'], 2, 'which document is meant?'],
    [['rollback', 'yesterday'], 2, 'is no version'],
    [['completion', 'tcsh'], 2, 'bash, zsh, fish'],
    [['get', '--admin', 'http://['], 2, 'is not an http or https URL'],
    [['get', 'VirtualServices', '--admin', 'x'], 2, 'did you mean VirtualService?'],
    [['delete', 'Pod', 'a', '--admin', 'x'], 2, 'there is no kind Pod'],
    [['apply', '--if-version', 'x', '--admin', 'x', '-'], 2, '--if-version: "x" is no version'],
    [['lint', '--ignore', 'retries-of', '-'], 2, 'did you mean retries-off?'],
    [['lint', '--ignore', 'zz', '-'], 2, 'there is no finding zz'],
    [['lint', '--ignore', 'zz', '-'], 2, 'findings: '],
    [['help', 'lint'], 0, 'per-try-timeout-too-long'],
    [['get', 'zz', '--admin', 'x'], 2, 'for short vs, dr, se, we, sc, rp'],
    [['get', '-o', 'table', '--admin', 'x'], 2, '"table" is not one of yaml, json, name'],
    [['get', '--admin', 'http://user:s3cret@127.0.0.1:1/'], 2, 'the URL has credentials, which http://127.0.0.1:1 does not read'],
    [['get', '--admin', 'user:s3cret@127.0.0.1:1'], 2, 'the token is in MESHLESS_TOKEN'],
    [['get', '--admin', 'http://user:s3cret@[?token=s3cret'], 2, '--admin: "http://…@[" is not an http or https URL'],
    [['get', '--admin', 'ftp://user:s3cret@host'], 2, 'is not an http or https URL'],
    [['get', '--admin', 'http://127.0.0.1:1/x?token=s3cret#s3cret'], 3, 'http://127.0.0.1:1/x cannot be reached'],
  ])('%j ends with %i', async (argv, code, said) => {
    const result = await cli(argv as string[], { stdin: STARTER })
    expect(result.code).toBe(code)
    expect(result.err + result.out).toContain(said)
    expect(result.err + result.out).not.toContain('s3cret')
  })

  test('every command has its help, and the version is the package’s', async () => {
    for (const { name } of COMMANDS) {
      const { code, out } = await cli([name, '--help'])
      expect([code, out.startsWith(`meshless ${name}`)]).toEqual([0, true])
    }
    expect(VERSION).toBe(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version)
  })

  test.each(['bash', 'zsh', 'fish'])('completion for %s knows every command and option', async shell => {
    const { out } = await cli(['completion', shell])
    for (const command of COMMANDS) {
      expect(out).toContain(command.name)
      for (const option of command.options) expect(out).toContain(shell === 'fish' ? `-l ${option.name}` : `--${option.name}`)
    }
  })
})

describe('rules in files', () => {
  test('files, directories, standard input and lists', async () => {
    file('a.yaml', all(service('a'), virtual('a')))
    expect(await cli(['validate', home])).toMatchObject({ code: 0, out: 'no faults\n' })
    expect(await cli(['validate', '-'], { stdin: wrong })).toMatchObject({ code: 1 })
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'x' }, spec: { hosts: [] } }],
    }
    expect((await cli(['validate', '--json', '-'], { stdin: JSON.stringify(list) })).out).toMatch(/"path": "spec/)
  })

  test('formats for machines', async () => {
    const bad = file('a,b.yaml', wrong)
    const json = JSON.parse((await cli(['validate', '--json', bad])).out)
    expect(json[0]).toMatchObject({ code: 'invalid-duration', source: bad, line: 5 })
    expect((await cli(['validate', '--format', 'github', bad])).out).toContain(`::error file=${bad.replace(',', '%2C')},line=5,`)
    const sarif = JSON.parse((await cli(['validate', '--format', 'sarif', bad])).out)
    expect(sarif.runs[0].results[0]).toMatchObject({ ruleId: 'invalid-duration', level: 'error' })
    expect(sarif.runs[0].results[0].locations[0].physicalLocation.region.startLine).toBe(5)
  })

  test('lint: findings are warnings, and --fail makes them count', async () => {
    const odd = file(
      'odd.yaml',
      all(
        service('a'),
        virtual('a', '[{ timeout: 1s, retries: { attempts: 3, perTryTimeout: 2s }, route: [{ destination: { host: a.test } }] }]'),
      ),
    )
    const found = JSON.parse((await cli(['lint', '--json', odd])).out)
    expect(found.length).toBeGreaterThan(0)
    expect((await cli(['lint', odd])).code).toBe(0)
    expect((await cli(['lint', '--fail', odd])).code).toBe(1)
    const ignored = found.flatMap((d: any) => ['--ignore', d.code])
    expect(await cli(['lint', '--fail', ...ignored, odd])).toMatchObject({ code: 0, out: 'no faults\n' })
    expect((await cli(['lint', file('bad.yaml', wrong)])).code).toBe(1)
  })

  test('colours on a terminal only, and never against NO_COLOR', async () => {
    const bad = file('a.yaml', wrong)
    const coloured = (text: string) => text.includes('\u001b[')
    expect(coloured((await cli(['validate', bad])).out)).toBe(false)
    expect(coloured((await cli(['validate', bad], { terminal: true })).out)).toBe(true)
    expect(coloured((await cli(['validate', bad], { terminal: true, env: { NO_COLOR: '1' } })).out)).toBe(false)
    expect(coloured((await cli(['validate', bad], { env: { FORCE_COLOR: '1' } })).out)).toBe(true)
  })

  test('explain prints what is wrong once, and nothing of its own mesh', async () => {
    const printed: string[] = []
    const listen = (warning: Error) => printed.push(warning.message)
    process.on('warning', listen)
    for (const rules of [wrong, virtual('a')]) await cli(['explain', file('a.yaml', rules), '--url', 'http://a.test/'])
    await new Promise(resolve => setImmediate(resolve))
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', listen)
    expect(printed).toEqual([])
  })

  test('explain and translate refuse wrong rules', async () => {
    const bad = file('a.yaml', wrong)
    expect(await cli(['explain', bad, '--url', 'http://a.test/'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('invalid-duration'),
    })
    expect(await cli(['translate', bad])).toMatchObject({ code: 1, out: '' })
  })

  test('explain looks at hosts without a ServiceEntry as the mesh does, and asks no DNS', async () => {
    const bare = file('a.yaml', virtual('a', '[{ timeout: 1s, route: [{ destination: { host: a } }] }]').replace('[a.test]', '[a]'))
    const { code, out } = await cli(['explain', bare, '--url', 'http://a/'])
    expect([code, out.split('\n')[0]]).toEqual([0, 'sent to outbound|80||a.default.svc.cluster.local'])
    expect(out).toContain('a.default.svc.cluster.local:80  by DNS, asked where the process runs')
    expect(out).not.toContain('503')
    const said = JSON.parse((await cli(['explain', bare, '--url', 'http://a/', '--json'])).out)
    expect([said.warnings, said.destinations[0].names]).toEqual([[], ['a.default.svc.cluster.local:80']])
  })

  test('a directory stands for its rules, not for those of installed packages', async () => {
    file('a.yaml', service('a'))
    mkdirSync(path.join(home, 'node_modules', 'x'), { recursive: true })
    mkdirSync(path.join(home, 'deep', 'node_modules'), { recursive: true })
    file('node_modules/x/broken.yaml', wrong)
    file('deep/node_modules/broken.yaml', wrong)
    file('deep/b.yaml', service('b'))
    expect(await cli(['validate', home])).toMatchObject({ code: 0, out: 'no faults\n' })
    expect((await cli(['translate', home])).out).toContain('b.test')
    expect((await cli(['validate', path.join(home, 'node_modules')])).code).toBe(1)
  })

  test('explain names the namespace in which a rule holds', async () => {
    const rule = virtual('a').replace('{ name: a }', '{ name: a, namespace: prod }').replace('[a.test]', '[a]')
    const at = file('a.yaml', rule)
    const explain = (...more: string[]) => cli(['explain', at, '--url', 'http://a/', ...more])
    expect((await explain()).out).toContain(
      'warning VirtualService/prod/a holds for callers in namespace prod; this one is in default: set workload.namespace, or --namespace prod on the command line',
    )
    expect((await explain('--namespace', 'prod')).out).toContain('by VirtualService/prod/a')
    expect((await explain('--namespace', 'prod')).out).not.toContain('warning VirtualService')
    expect((await cli(['explain', at, '--url', 'http://b/'])).out).not.toContain('--namespace')
  })

  test('a pipe that brings nothing is no set without faults', async () => {
    for (const command of ['validate', 'lint', 'translate'])
      expect(await cli([command, '-'], { stdin: '\n' })).toMatchObject({ code: 2, err: expect.stringContaining('standard input is empty') })
  })

  test('what init writes is right, and is not written over', async () => {
    const at = path.join(home, 'rules.yaml')
    expect((await cli(['init', at])).code).toBe(0)
    expect(await cli(['lint', '--fail', at])).toMatchObject({ code: 0 })
    expect(validate(readFileSync(at, 'utf8'), { strict: true })).toEqual([])
    expect(await cli(['init', at])).toMatchObject({ code: 2, err: expect.stringContaining('--force') })
    expect((await cli(['init', at, '--force'])).code).toBe(0)
    const documents = readFileSync(at, 'utf8').split('---\n')
    expect(documents.length).toBe(3)
    for (const document of documents)
      expect(document.split('\n')[0]).toBe('# yaml-language-server: $schema=./node_modules/meshless/rules.schema.json')
  })
})

describe('a running process', () => {
  test('apply, diff, get, delete, history, rollback', async () => {
    const { env, mesh } = await running()
    const more = file('b.yaml', all(service('b'), destination('b')))
    expect((await cli(['diff', more], { env })).out).toContain('+ ServiceEntry/default/b')
    expect(await cli(['apply', more, '--if-version', '1'], { env })).toMatchObject({
      code: 0,
      out: expect.stringContaining('version 2 is in force'),
    })
    expect(await cli(['apply', more, '--if-version', '1'], { env })).toMatchObject({
      code: 3,
      err: expect.stringContaining('version 2 is in force, not 1'),
    })
    expect((await cli(['get'], { env })).out).toMatch(/DestinationRule +default +b +apply/)
    expect(JSON.parse((await cli(['get', 'DestinationRule', 'b'], { env })).out).spec.host).toBe('b.test')
    expect((await cli(['explain', '--url', 'http://b.test/'], { env })).out).toContain('sent to outbound|80||b.test')
    expect((await cli(['delete', 'DestinationRule', 'default/b'], { env })).code).toBe(0)
    expect((await cli(['rollback'], { env })).out).toBe('version 4 is in force, with the rules of version 2\n')
    expect((await cli(['history'], { env })).out).toMatch(/3 .*patch .*-DestinationRule\/default\/b/)
    expect((await cli(['apply', '--replace', more], { env })).code).toBe(0)
    expect(mesh.history().at(-1)!.removed).toEqual(['ServiceEntry/default/a', 'VirtualService/default/a'])
  })

  test('what goes out by get goes in by apply', async () => {
    const { env } = await running()
    const { out } = await cli(['get', '--json'], { env })
    expect(await cli(['diff', '--replace', '-'], { env, stdin: out })).toMatchObject({ code: 0, out: 'nothing changes\n' })
  })

  test('what the process says of several files is said of the file it is in', async () => {
    const { mesh, env } = await running()
    const strict = await mesh.admin({ token: TOKEN })
    const good = file('good.yaml', `${service('b').trim()}`)
    const local = file('local.yaml', service('c').replace('10.0.0.1', '169.254.169.254'))
    const odd = file('odd.yaml', virtual('d'))
    const around = { env: { ...env, MESHLESS_ADMIN: strict.url } }
    for (const command of ['apply', 'diff'])
      expect(await cli([command, good, local], around)).toMatchObject({ code: 1, err: expect.stringContaining(`${local}:11:`) })
    expect((await cli(['apply', good, odd], around)).err).toContain(`${odd}:`)
    expect((await cli(['explain', '--url', 'http://b.test/'], around)).out).not.toMatch(/\(\d+\)/)
  })

  test('diff and apply show each field that changes, from what to what', async () => {
    const to = (subset: string, weight: number) => `{ destination: { host: a.test, subset: ${subset} }, weight: ${weight} }`
    const split = (v1: number, v2: number, more = '') => `[{ ${more} route: [${to('v1', v1)}, ${to('v2', v2)}] }]`
    const { env } = await running(all(service('a'), destination('a'), virtual('a', split(90, 10, 'timeout: 1s,'))))
    const at = file('a.yaml', virtual('a', split(50, 50, 'headers: { request: { set: { x-a: new, authorization: s3cret } } },')))
    for (const command of ['diff', 'apply']) {
      const { out } = await cli([command, at], { env })
      expect(out.split('\n').slice(0, 6)).toEqual([
        '~ VirtualService/default/a',
        '    - spec.http[0].timeout: 1s',
        '    spec.http[0].route[0].weight: 90 → 50',
        '    spec.http[0].route[1].weight: 10 → 50',
        '    + spec.http[0].headers: {"request":{"set":{"x-a":"new","authorization":"(hidden)"}}}',
        '~ host a.test:80 routes #1',
      ])
    }
    expect((await cli(['apply', at], { env })).out).toBe('nothing changes\nversion 2 is in force\n')
    expect((await cli(['rollback'], { env })).out).toBe('version 3 is in force, with the rules of version 1\n')
  })

  test('get: short names, YAML, names, and which source each document is from', async () => {
    file('rules.yaml', all(virtual('a', '[{ directResponse: { status: 418 } }]'), virtual('b')))
    const source = files(path.join(home, 'rules.yaml'))
    const mesh = createMesh({ rules: all(service('a'), virtual('a')), sources: [source] })
    open.push(mesh)
    await mesh.ready()
    const { url } = await mesh.admin({ token: TOKEN })
    const env = { MESHLESS_ADMIN: url, MESHLESS_TOKEN: TOKEN }
    const get = async (...argv: string[]) => (await cli(['get', ...argv], { env })).out
    expect((await get('vs')).split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['KIND', 'NAMESPACE', 'NAME', 'SOURCE'],
      ['VirtualService', 'default', 'a', 'apply'],
      ['VirtualService', 'default', 'b', source.name],
      ['VirtualService', 'default', 'a', `${source.name} (not in force: apply has it too)`],
      ['version 2'],
      [''],
    ])
    for (const kind of ['virtualservices', 'virtualservice', 'virtualservices.networking.istio.io', 'VirtualService'])
      expect(await get(kind)).toBe(await get('vs'))
    expect(await get('-o', 'name')).toBe('ServiceEntry/default/a\nVirtualService/default/a\nVirtualService/default/b\n')
    expect(parseYaml(await get('se', 'a', '-o', 'yaml'))).toMatchObject({ kind: 'ServiceEntry', spec: { hosts: ['a.test'] } })
    expect((await get('-n', 'other')).trim()).toBe('no rules')
    expect((await cli(['delete', 'vs', 'a'], { env })).out).toBe('VirtualService a is gone; version 3 is in force\n')
    expect(await get('vs', 'a', '-o', 'yaml')).toContain('status: 418')
    expect(JSON.parse(await get('--json')).items.length).toBe(3)
    const yaml = await get('-o', 'yaml')
    expect(validate(yaml).filter(({ severity }) => severity === 'error')).toEqual([])
    expect(await cli(['apply', '--replace', '-'], { env, stdin: yaml })).toMatchObject({ code: 0 })
  })

  test('messages about several files name the file, by whoever they are made', async () => {
    const { env } = await running(service('x'))
    const first = file('first.yaml', all(service('a'), virtual('a')))
    const second = file('second.json', `\uFEFF${JSON.stringify(parseYaml(virtual('a', '[{ directResponse: { status: 200 } }]')))}`)
    const third = file('third.yaml', `%YAML 1.2\n---\n${virtual('c')}`)
    const all3 = [first, second, third]
    const again = `VirtualService a is there again in ${second}:1: only the last one counts`
    expect((await cli(['validate', ...all3])).out).toContain(again)
    expect((await cli(['validate', '--json', ...all3])).out).toContain(`again in ${second}:1`)
    const { err } = await cli(['apply', '--replace', ...all3], { env })
    expect(err).toMatch(new RegExp(`${third}:\\d+:\\d+: warning .*c\\.test`))
    const same = file('same.yaml', all(virtual('d'), virtual('d')))
    expect((await cli(['validate', same])).out).toMatch(/VirtualService d is there again in line \d+: only/)
  })

  test('what the process reports of documents that it had is said of no file', async () => {
    const { mesh, env } = await running()
    // Line 8 of what was applied before is not line 8 of the file.
    await mesh.apply(all(service('a'), virtual('a', '[{ route: [{ destination: { host: a.test, subset: gone } }] }]')))
    const at = file(
      'c.yaml',
      all(service('b'), service('c'), virtual('c', '[{ route: [{ destination: { host: c.test, subset: none } }] }]')),
    )
    const { err } = await cli(['apply', at], { env })
    expect(err).toMatch(/^\(in the process\): warning .*gone/m)
    expect(err).toMatch(/c\.yaml:\d+:\d+: warning .*none/)
    expect(err).not.toMatch(/c\.yaml.*gone/)
  })

  test('prints no control character of a name, a message or a value', async () => {
    const evil = '\u001b[31m\u009b2J\r\nx\u202e\u0007'
    const odd = (text: string) => text.replace('{ name: a }', JSON.stringify({ name: `a${evil}`, labels: { x: evil } }))
    const at = file('evil.yaml', odd(virtual('a', `[{ name: ${JSON.stringify(evil)}, timeout: ${JSON.stringify(evil)} }]`)))
    const mesh = createMesh({
      rules: [odd(service('a')), odd(virtual('a', `[{ name: ${JSON.stringify(evil)}, directResponse: { status: 200 } }]`))],
    })
    open.push(mesh)
    const { url } = await mesh.admin({ token: TOKEN })
    const env = { MESHLESS_ADMIN: url, MESHLESS_TOKEN: TOKEN }
    const renamed = file('renamed.yaml', odd(virtual('a', `[{ name: ${JSON.stringify(`${evil}2`)}, directResponse: { status: 201 } }]`)))
    for (const argv of [
      ['validate', at],
      ['validate', '--format', 'github', at],
      ['lint', at],
      ['explain', renamed, '--url', 'http://a.test/'],
      ['explain', '--url', 'http://a.test/'],
      ['get'],
      ['get', 'vs', '--json'],
      ['get', '-o', 'yaml'],
      ['get', '-o', 'name'],
      ['diff', renamed],
      ['apply', at],
      ['apply', renamed],
      ['history'],
      ['delete', 'vs', evil],
      [evil],
      ['validate', evil],
      ['get', evil],
    ])
      for (const terminal of [false, true]) {
        const { out, err } = await cli(argv, { env, terminal })
        const text = (out + err).replace(terminal ? /\u001b\[(?:0|1|2|31|32|33|34)m/g : /$^/, '')
        expect([argv, text.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)]).toEqual([argv, null])
        expect([argv, out + err]).not.toEqual([argv, ''])
        expect([argv, (out + err).split('\n').filter(line => line.startsWith('x\\u'))]).toEqual([argv, []])
      }
  })

  test('refusals: rules, token, version, nobody there, somebody else', async () => {
    const { env } = await running()
    const bad = file('a.yaml', wrong)
    expect(await cli(['apply', bad], { env })).toMatchObject({ code: 1, err: expect.stringContaining('invalid-duration') })
    expect(await cli(['apply', file('b.yaml', service('b'))], { env: { ...env, MESHLESS_TOKEN: 'wrong' } })).toMatchObject({
      code: 3,
      err: expect.stringContaining('the token is wrong'),
    })
    expect(await cli(['rollback', '77'], { env })).toMatchObject({ code: 3, err: expect.stringContaining('there is no version 77') })
    const gone = await running()
    await gone.mesh.close()
    expect(await cli(['get'], { env: gone.env })).toMatchObject({ code: 3, err: expect.stringContaining('cannot be reached') })
  })
})
