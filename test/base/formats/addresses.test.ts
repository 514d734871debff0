import { expect, test } from 'vitest'
import { isLinkLocal } from '../../../src/base/formats/addresses.ts'

test.each([
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  'fe80::1',
  '[fe80::1]',
  '[fe80::1]:80',
  'FEBF::',
  'fd00:ec2::254',
])('%s is link-local', address => expect(isLinkLocal(address)).toBe(true))
test.each(['10.0.0.1', '169.25.4.1', '127.0.0.1', '::1', 'fec0::1', 'fd00::1', 'a.test', '169.254.example.com', ''])('%s is not', address =>
  expect(isLinkLocal(address)).toBe(false),
)
