import { expect, test } from 'vitest'
import { fieldChanges } from '../../src/mesh/field-changes.ts'
import { parseRules } from '../../src/rules/istio/parse.ts'
import { virtual } from './documents.ts'

const document = (http: string, metadata = '{ name: a }') => parseRules(virtual('a', http).replace('{ name: a }', metadata)).documents[0]!
const to = (subset: string, weight: number) => `{ destination: { host: a.test, subset: ${subset} }, weight: ${weight} }`
const changes = (before: string, after: string) =>
  fieldChanges(document(before), document(after)).map(({ path, from, to }) => [path, from, to])

test.each([
  [
    'weights',
    `[{ route: [${to('v1', 90)}, ${to('v2', 10)}] }]`,
    `[{ route: [${to('v1', 50)}, ${to('v2', 50)}] }]`,
    [
      ['spec.http[0].route[0].weight', 90, 50],
      ['spec.http[0].route[1].weight', 10, 50],
    ],
  ],
  [
    'a field that comes',
    '[{ directResponse: { status: 200 } }]',
    '[{ timeout: 2s, directResponse: { status: 200 } }]',
    [['spec.http[0].timeout', undefined, '2s']],
  ],
  ['a field that goes', '[{ timeout: 2s }]', '[{}]', [['spec.http[0].timeout', '2s', undefined]]],
  [
    'a route before the others',
    `[{ timeout: 1s }]`,
    `[{ timeout: 3s }, { timeout: 1s }]`,
    [['spec.http[0]', undefined, { timeout: '3s' }]],
  ],
  [
    'a route that goes from the middle',
    '[{ timeout: 1s }, { timeout: 2s }, { timeout: 3s }]',
    '[{ timeout: 1s }, { timeout: 3s }]',
    [['spec.http[1]', { timeout: '2s' }, undefined]],
  ],
  [
    'named routes in another order, one changed',
    '[{ name: one, timeout: 1s }, { name: two, timeout: 2s }]',
    '[{ name: two, timeout: 9s }, { name: one, timeout: 1s }]',
    [
      ['spec.http', ['one', 'two'], ['two', 'one']],
      ['spec.http[0].timeout', '2s', '9s'],
    ],
  ],
  [
    'a key that is no word',
    '[{ headers: { request: { set: { "x-a.b": "1" } } } }]',
    '[{ headers: { request: { set: { "x-a.b": "2" } } } }]',
    [['spec.http[0].headers.request.set["x-a.b"]', '1', '2']],
  ],
  ['nothing', '[{ timeout: 1s }]', '[{ timeout: 1s }]', []],
])('%s', (_, before, after, expected) =>
  expect(JSON.parse(JSON.stringify(changes(before, after)))).toEqual(JSON.parse(JSON.stringify(expected))),
)

test('metadata, and values that cannot change what is in force', () => {
  const [before, after] = [document('[{}]'), document('[{}]', '{ name: a, labels: { app: x } }')]
  const [change] = fieldChanges(before, after)
  expect(change).toMatchObject({ path: 'metadata.labels', to: { app: 'x' } })
  expect(change!.to).not.toBe(after.metadata.labels)
})
