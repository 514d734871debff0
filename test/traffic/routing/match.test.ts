/** Conditions on headers whose text is not ASCII: the rule's is UTF-8, the header's is bytes, as recorded of Envoy. */
import { describe, expect, test } from 'vitest'
import type { StringMatcher } from '../../../src/envoy/index.ts'
import { conditionsOf } from '../../../src/traffic/routing/match.ts'
import { requestOf } from './requests.ts'

const holds = (stringMatch: StringMatcher, value: string) =>
  conditionsOf({ prefix: '/', headers: [{ name: 'h', stringMatch }] })[0]!.holds(requestOf({ headers: ['h', value] }))

describe('a header is compared with the bytes of the rule', () => {
  test.each<[StringMatcher, string, boolean]>([
    [{ exact: 'é' }, '\xc3\xa9', true],
    [{ exact: 'é' }, '\xe9', false],
    [{ prefix: '中' }, '\xe4\xb8\xad and more', true],
    [{ suffix: 'é' }, 'caf\xc3\xa9', true],
    [{ contains: '–' }, 'a \xe2\x80\x93 b', true],
    [{ safeRegex: { regex: 'caf.' } }, 'caf\xc3\xa9', true],
    [{ safeRegex: { regex: 'café' } }, 'caf\xc3\xa9', true],
    [{ safeRegex: { regex: 'caf..' } }, 'caf\xc3\xa9', false],
    [{ exact: 'plain' }, 'plain', true],
  ])('%j on %j: %s', (matcher, value, held) => expect(holds(matcher, value)).toBe(held))
})
