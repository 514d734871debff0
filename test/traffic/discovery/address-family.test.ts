import { expect, test } from 'vitest'
import { orderByFamily } from '../../../src/traffic/discovery/address-family.ts'

const order = (family: Parameters<typeof orderByFamily>[1], ...addresses: string[]) =>
  orderByFamily(
    addresses.map(address => ({ address })),
    family,
  ).map(a => a.address)

test.each([
  ['V4_ONLY', ['1.1.1.1', '2.2.2.2']],
  ['V4_PREFERRED', ['1.1.1.1', '2.2.2.2']],
  ['V6_ONLY', ['::1']],
  ['AUTO', ['::1']],
  ['ALL', ['::1', '1.1.1.1', '2.2.2.2']],
] as const)('%s', (family, expected) => {
  expect(order(family, '1.1.1.1', '::1', '2.2.2.2')).toEqual(expected)
})

test('with both families they alternate', () => {
  expect(order('ALL', '1.1.1.1', '2.2.2.2', '::1', '::2')).toEqual(['::1', '1.1.1.1', '::2', '2.2.2.2'])
})

test('a name of one family has it, whatever is wanted', () => {
  expect(order('V4_ONLY', '::1')).toEqual(['::1'])
  expect(order('V6_ONLY', '1.1.1.1')).toEqual(['1.1.1.1'])
})
