/** The system's resolver, on a DNS of our own: whose addresses count, and whose TTL. */
import { describe, expect, test } from 'vitest'
import { systemResolver } from '../../../src/traffic/discovery/node-dns.ts'

type Records = { address: string; ttl: number }[]
const NEVER = new Promise<never>(() => {})
const LATE = () => NEVER

/** `looked`: what the system says; the others: what DNS says when asked for itself. */
function dnsOf(looked: () => Promise<{ address: string; family: number }[]>, v4: () => Promise<Records>, v6: () => Promise<Records>) {
  const asked: unknown[] = []
  class Asks {
    constructor(options: object) {
      asked.push(options)
    }
    resolve4 = v4
    resolve6 = v6
  }
  return { dns: { promises: { lookup: looked, Resolver: Asks } } as never, asked }
}
const looked =
  (...addresses: string[]) =>
  async () =>
    addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
const none = async (): Promise<Records> => []
const fails = async (): Promise<Records> => {
  throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' })
}
const resolve = (...[system, v4, v6]: Parameters<typeof dnsOf>) => systemResolver(dnsOf(system, v4, v6).dns).resolve('a.test')

describe('the TTL of DNS', () => {
  test('goes with the address that both name, in ms', async () => {
    const v4 = async () => [{ address: '10.0.0.1', ttl: 5 }]
    const v6 = async () => [{ address: '2001:db8::1', ttl: 7 }]
    expect(await resolve(looked('10.0.0.1', '2001:db8::1'), v4, v6)).toEqual([
      { address: '10.0.0.1', ttl: 5000 },
      { address: '2001:db8::1', ttl: 7000 },
    ])
  })
  test('does not go with what only the hosts file knows, nor does DNS add an address', async () => {
    expect(await resolve(looked('127.0.0.1'), async () => [{ address: '10.0.0.1', ttl: 5 }], none)).toEqual([{ address: '127.0.0.1' }])
  })
  test('is done without when DNS fails, or says nothing for too long', async () => {
    expect(await resolve(looked('10.0.0.1'), fails, fails)).toEqual([{ address: '10.0.0.1' }])
    expect(await resolve(looked('10.0.0.1'), LATE, none)).toEqual([{ address: '10.0.0.1' }])
  })
  test('is not asked for ever', async () => {
    const { dns, asked } = dnsOf(looked('10.0.0.1'), none, none)
    await systemResolver(dns).resolve('a.test')
    expect(asked).toEqual([{ timeout: 500, tries: 1 }])
  })
})

test('a name that the system does not know is an error, and nothing is left unhandled', async () => {
  await expect(resolve(fails as never, fails, fails)).rejects.toThrow('ENOTFOUND')
})
test('for real: localhost', async () => {
  expect((await systemResolver().resolve('localhost')).map(a => a.address)).toContain('127.0.0.1')
})
test('without node:dns nothing can be resolved', async () => {
  const without = globalThis.process.getBuiltinModule
  globalThis.process.getBuiltinModule = (() => undefined) as never
  try {
    await expect(systemResolver().resolve('a.test')).rejects.toThrow('this runtime has no DNS')
  } finally {
    globalThis.process.getBuiltinModule = without
  }
})
