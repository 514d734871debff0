import { expect, test } from 'vitest'
import { translate } from '../../src/rules/translate.ts'
import { validate } from '../../src/rules/validate.ts'

test.each<[() => unknown, RegExp]>([
  [() => validate('', { strickt: true } as any), /^validate: strickt: unknown option \(did you mean strict\?\)/],
  [() => validate('', { lint: { ignore: ['retries-of'] } }), /lint.ignore\[0\]: "retries-of" is not one of .*did you mean retries-off/],
  [() => validate('', { lint: 'yes' as any }), /^validate: lint: "yes" is not/],
  [() => translate('', { worklod: {} } as any), /^translate: worklod: unknown option \(did you mean workload\?\)/],
  [() => translate('', { workload: { label: {} } as any }), /workload.label: unknown option \(did you mean labels\?\)/],
  [() => translate('', { meshConfig: 'a: [' }), /^meshConfig: /],
])('%s is refused', (call, message) => expect(call).toThrow(message))
