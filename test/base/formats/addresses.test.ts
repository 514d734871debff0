import { lookup } from 'node:dns/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalHost, isIPAddress, isLinkLocal, isUnixSocket } from '../../../src/base/formats/addresses.ts'

describe('isLinkLocal', () => {
  test.each([
    // IPv4 as URL parsers and getaddrinfo read it
    '169.254.169.254',
    '169.254.0.0',
    '169.254.255.255:80',
    '0xa9fea9fe',
    '0XA9FEA9FE',
    '0xa9.0xfe.0xa9.0xfe',
    '0xA9.254.0xa9fe',
    '2852039166',
    '025177524776',
    '0251.0376.0251.0376',
    '0251.254.43518',
    '169.254.43518',
    '169.16689662',
    '169.254.0251.0xfe',
    '169.254.169.254.',
    ' 169.254.169.254 ',
    '１６９.254.169.254',
    '169。254。169。254',
    '%31%36%39.254.169.254',
    'user:password@169.254.169.254:80',
    // IPv4 inside IPv6
    '::ffff:169.254.169.254',
    '[::ffff:a9fe:a9fe]:80',
    '0:0:0:0:0:FFFF:A9FE:A9FE',
    '::ffff:0:169.254.169.254',
    '::169.254.169.254',
    '::a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '0064:ff9b:0:0:0:0:a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:a9:fe:a9fe::',
    '64:ff9b:1:1:a9:fea9:fe00::',
    '2002:a9fe:a9fe::',
    '2002:a9fe:a9fe:1:2:3:4:5',
    '2001:0:a9fe:a9fe::',
    '2001:0:1:2:3:4:5601:5601',
    'fd00::5efe:169.254.169.254',
    '2001:db8::200:5efe:a9fe:a9fe',
    // IPv6
    'fe80::1',
    'FE80:0000:0000:0000:0000:0000:0000:0001',
    'febf:ffff::1',
    'fe80::1%eth0',
    '[fe80::1%25eth0]:80',
    'fe80::a9fe:a9fe%1',
    // metadata services
    'fd00:ec2::254',
    'fd00:ec2::23',
    'FD00:0EC2:0:0:0:0:0:0254',
    '[fd20:ce::254]:80',
    'fd00:42::42',
    '100.100.100.200',
    '0x646464c8',
    '168.63.129.16',
    '192.0.0.192',
    '::ffff:100.100.100.200',
  ])('sees through %j', address => expect(isLinkLocal(address)).toBe(true))

  test.each([
    '169.253.255.255',
    '169.255.0.0',
    '10.0.0.1:80',
    '127.1',
    '0x7f000001',
    '::1',
    '::',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
    '2002:a00:1::',
    'fe7f::1',
    'fec0::1',
    'fd00:ec3::254',
    'a9fe::1',
    '1:2:3:4:5:6:a9fe:a9fe',
    '100.100.100.201',
    '169.254.169.254.example.com',
    'link-local.test',
    '0xa9fea9fe.test',
    '169.254.169.256',
    '169.254.169.254.1',
    '',
    'x y',
  ])('is not misled by %j', address => expect(isLinkLocal(address)).toBe(false))
})

test.each(['unix:///run/app.sock', 'unix:/run/app.sock', 'UNIX:app.sock', ' unix:///x', '/run/app.sock', '@abstract', '\0abstract'])(
  'isUnixSocket recognizes %j',
  address => expect(isUnixSocket(address)).toBe(true),
)
test.each(['a.test', 'unix.test', '10.0.0.1', '[::1]:80', 'unixsocket'])('isUnixSocket does not take %j for one', address =>
  expect(isUnixSocket(address)).toBe(false),
)

test.each([
  ['A.Test.', 'a.test'],
  ['a.test:80', 'a.test'],
  ['*.Shop.Test', '*.shop.test'],
  ['127.1', '127.0.0.1'],
  ['::1', '[::1]'],
  ['[0:0:0:0:0:0:0:1]:80', '[::1]'],
  ['fe80::1%eth0', '[fe80::1]'],
  ['bücher.test', 'xn--bcher-kva.test'],
  ['not a host', 'not a host'],
])('canonicalHost reads %j as %j', (address, host) => expect(canonicalHost(address)).toBe(host))

test.each([
  ['10.0.0.1', true],
  ['0x7f.1', true],
  ['::1', true],
  ['fe80::1%eth0', true],
  ['a.test', false],
  ['1.2.3.4.test', false],
])('isIPAddress of %j is %j', (host, is) => expect(isIPAddress(host)).toBe(is))

describe('IPv4 in any spelling', () => {
  const radices = [(n: number) => String(n), (n: number) => `0x${n.toString(16)}`, (n: number) => `0${n.toString(8)}`]
  /** As one to four numbers, the last of which holds what is left, each in a radix of its own. */
  const spelled = fc
    .tuple(
      fc.oneof(
        fc.nat(0xffffffff),
        fc.nat(0xffff).map(low => 0xa9fe0000 + low),
      ),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(...radices), { minLength: 4, maxLength: 4 }),
    )
    .map(([value, count, writers]) => {
      const bytes = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
      const head = bytes.slice(0, count - 1)
      const rest = bytes.slice(count - 1).reduce((sum, byte) => sum * 256 + byte, 0)
      return { dotted: bytes.join('.'), text: [...head, rest].map((part, at) => writers[at]!(part)).join('.') }
    })

  test('is the same address', () => {
    fc.assert(
      fc.property(spelled, ({ dotted, text }) => {
        expect(canonicalHost(text)).toBe(dotted)
        expect(isLinkLocal(text)).toBe(isLinkLocal(dotted))
      }),
      { numRuns: 2000 },
    )
  })

  test('is what the system dials', async () => {
    for (const { text } of fc.sample(spelled, 20)) expect(canonicalHost(text)).toBe((await lookup(text, { family: 4 })).address)
    for (const text of ['１６９.254.169.254', '169。254。169。254']) expect(canonicalHost(text)).toBe((await lookup(text)).address)
  })
})
