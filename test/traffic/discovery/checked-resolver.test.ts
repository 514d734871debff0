import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkedResolver } from '../../../src/traffic/discovery/checked-resolver.ts'

let warnings: string[] = []
beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation(warning => void warnings.push((warning as Error).message))
})
afterEach(() => void vi.restoreAllMocks())

const answering = (resolve: any) => checkedResolver({ resolve }).resolve('a.test')
const EXPECTED = 'expected a promise of a list such as [{ address: "10.0.0.1", ttl: 5000 }]'

describe('checkedResolver', () => {
  test('passes addresses on as they are', async () => {
    const answer = [{ address: '10.0.0.1' }, { address: '::1', ttl: 0 }, { address: 'fe80::1%eth0', ttl: 5000 }]
    expect(await answering(async () => answer)).toEqual(answer)
    expect(await answering(() => [])).toEqual([])
    expect(warnings).toEqual([])
  })

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['10.0.0.1', '"10.0.0.1"'],
    [{ address: '10.0.0.1' }, '{"address":"10.0.0.1"}'],
    [['10.0.0.1'], 'a list with "10.0.0.1"'],
    [[undefined], 'a list with undefined'],
    [[{ ip: '10.0.0.1' }], 'a list with {"ip":"10.0.0.1"}'],
    [[{ address: 'b.test' }], '"b.test", which is not an IP address,'],
    [[{ address: '10.0.0.1:80' }], '"10.0.0.1:80", which is not an IP address,'],
    [[{ address: '' }], '"", which is not an IP address,'],
    [[{ address: '10.0.0.1', ttl: '5s' }], 'a ttl of "5s", which is not a number of milliseconds,'],
    [[{ address: '10.0.0.1', ttl: Number.NaN }], 'a ttl of NaN, which is not a number of milliseconds,'],
    [[{ address: '10.0.0.1', ttl: -1 }], 'a ttl of -1, which is not a number of milliseconds,'],
  ])('rejects and reports %j', async (answer, what) => {
    const message = `the resolver answered ${what} for a.test; ${EXPECTED}`
    await expect(answering(() => answer)).rejects.toThrow(new TypeError(message))
    expect(warnings).toEqual([`cannot resolve a.test: ${message}`])
  })

  test('what is right in an answer counts', async () => {
    const answer = [{ address: '10.0.0.1' }, '10.0.0.2', { address: 'b.test' }]
    expect(await answering(() => answer)).toEqual([{ address: '10.0.0.1' }])
    expect(warnings).toEqual([`cannot resolve a.test: the resolver answered a list with "10.0.0.2" for a.test; ${EXPECTED}`])
  })

  test.each<[string, () => unknown, string]>([
    ['throws', () => { throw new Error('broken') }, 'broken'], // biome-ignore format: short
    ['rejects with text', () => Promise.reject('broken'), 'the resolver rejected with "broken"'],
    ['rejects with nothing', () => Promise.reject(), 'the resolver rejected with undefined'],
    ['is a thenable that throws', () => ({ then: () => { throw new Error('then') } }), 'then'], // biome-ignore format: short
  ])('one that %s', async (_how, resolve, message) => {
    await expect(answering(resolve)).rejects.toThrow(message)
    expect(warnings).toEqual([`cannot resolve a.test: ${message}`])
  })

  test('reports the same failure once, and failures of DNS never', async () => {
    const resolver = checkedResolver({ resolve: (async () => undefined) as any })
    for (let i = 0; i < 3; i++) await expect(resolver.resolve('a.test')).rejects.toThrow('undefined')
    expect(warnings.length).toBe(1)
    await expect(answering(() => Promise.reject(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' })))).rejects.toThrow('ENOTFOUND')
    expect(warnings.length).toBe(1)
  })
})
