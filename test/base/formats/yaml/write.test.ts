import fc from 'fast-check'
import { expect, it } from 'vitest'
import { writeYaml } from '../../../../src/base/formats/yaml/write.ts'
import { parseYaml } from '../../../../src/base/formats/yaml.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 20260824)

it('what was written is read again', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'yes',
      'no',
      'y',
      'off',
      '0644',
      '1_000',
      '0x1F',
      '1e3',
      '2020-01-01',
      '1:30',
      '~',
      'null',
      '<<',
      '=',
      '',
      ' a',
      '- a',
      'a: b',
      '#',
      '*a',
      '&a',
      '!a',
      '%',
      '@',
      '\u009b31m',
      'a\nb\n',
      'a\r\n',
      '\t',
      '\u202e',
      '"',
      "'",
    ),
    fc.string({ unit: 'binary' }),
  )
  const { value } = fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof(
      { maxDepth: 3 },
      word,
      fc.constantFrom(null, true, false, 0, -1, 1.5, 1e21),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 3 }),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(word, value), given => {
      const text = writeYaml(given)
      expect(JSON.parse(JSON.stringify(parseYaml(text)))).toEqual(JSON.parse(JSON.stringify(given)))
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    }),
    { numRuns: 150, seed },
  )
})
