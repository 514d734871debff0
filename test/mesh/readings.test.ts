import { expect, test } from 'vitest'
import { runNow } from '../../src/base/time/slices.ts'
import { TIGHT } from '../../src/core/source.ts'
import { Readings } from '../../src/mesh/readings.ts'
import { service } from './documents.ts'

test('a part whose text is the same is not read again', () => {
  const readings = new Readings()
  const read = (parts: [string, string][], trust?: object) =>
    runNow(
      readings.of(
        'files',
        parts.map(([origin, documents]) => ({ origin, documents })),
        trust,
      ),
    )
  const [a, b] = read([
    ['a.yaml', service('a')],
    ['b.yaml', service('b')],
  ])
  const [again, changed, moved] = read([
    ['a.yaml', service('a')],
    ['b.yaml', service('b', 3)],
    ['c.yaml', service('a')],
  ])
  expect(again).toBe(a)
  expect(changed).not.toBe(b)
  expect(moved).not.toBe(a)
  expect(moved!.documents[0]!.origin!.source).toBe('c.yaml')
  expect(read([['a.yaml', service('a')]], TIGHT)[0]).not.toBe(a)
})
