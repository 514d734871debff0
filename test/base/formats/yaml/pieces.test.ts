import { describe, expect, it } from 'vitest'
import { piecesOf } from '../../../../src/base/formats/yaml/pieces.ts'
import { parseYamlDocuments } from '../../../../src/base/formats/yaml.ts'

describe('piecesOf', () => {
  it.each([
    ['a', [['a', 0]]],
    ['', [['', 0]]],
    [
      'a\n---\nb\n--- c',
      [
        ['a\n', 0],
        ['---\nb\n', 1],
        ['--- c', 3],
      ],
    ],
    ['---\na', [['---\na', 0]]],
    [
      'a\n...\nb',
      [
        ['a\n...\n', 0],
        ['b', 2],
      ],
    ],
    ['a\n...', [['a\n...', 0]]],
    [
      'a\n... # c\n---\nb',
      [
        ['a\n... # c\n', 0],
        ['---\nb', 2],
      ],
    ],
    [
      '%YAML 1.2\n# c\n---\na\n---\nb',
      [
        ['%YAML 1.2\n# c\n---\na\n', 0],
        ['---\nb', 4],
      ],
    ],
    [
      'a\n...\n%TAG ! x:\n---\nb',
      [
        ['a\n...\n', 0],
        ['%TAG ! x:\n---\nb', 2],
      ],
    ],
    [
      '# only\n---\na',
      [
        ['# only\n', 0],
        ['---\na', 1],
      ],
    ],
    ['a: ---b\n----\n', [['a: ---b\n----\n', 0]]],
    [
      '---\n---\n',
      [
        ['---\n', 0],
        ['---\n', 1],
      ],
    ],
  ])('%j', (text, pieces) => {
    expect([...piecesOf(text)].map(({ text, line }) => [text, line])).toEqual(pieces)
  })
})

it('the documents of a text are the same wherever they end', () => {
  const text = '%YAML 1.2\n---\na: 1\n...\n# between\n---\nb: 2\n---\nc: "%x"\n...\n'
  const documents = parseYamlDocuments(text).filter(document => document.value !== undefined)
  expect(documents.map(({ value, line }) => [JSON.stringify(value), line])).toEqual([
    ['{"a":1}', 3],
    ['{"b":2}', 7],
    ['{"c":"%x"}', 9],
  ])
  expect(documents[2]!.locate(['c'])).toEqual({ line: 9, column: 1 })
})
