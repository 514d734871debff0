/**
 * The 68 bugs that other libraries have or had: A1 to F31 are those of Hystrix, Resilience4j, Polly, failsafe-go, Sentinel, Finagle and
 * concurrency-limits, JS1 to JS37 those of the JavaScript libraries. Each is shown not to exist here by a test in this folder whose name
 * begins with its number (`test('A3, JS2: …')`), or is listed in not-applicable.ts with the reason.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NOT_APPLICABLE } from './not-applicable.ts'

const GROUPS: Readonly<Record<string, [first: number, last: number]>> = {
  A: [1, 6], // late results and half-open
  B: [7, 9], // timers and reset
  C: [10, 12], // holes in the state machine
  D: [13, 20], // windows and clocks
  E: [21, 26], // limiters
  F: [27, 31], // hedging, retry, reload
  JS: [1, 37], // the JavaScript libraries
}
const ALL = Object.entries(GROUPS).flatMap(([group, [first, last]]) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${group}${first + i}`),
)

const tested = new Map<string, string>()
for (const file of readdirSync(import.meta.dirname).filter(f => f.endsWith('.test.ts') && f !== 'index.test.ts')) {
  const text = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
  for (const [, numbers] of text.matchAll(/\btest\(\s*['"`]((?:[A-Z]+\d+(?:, )?)+):/g))
    for (const number of numbers!.split(', ')) tested.set(number, file)
}

test('there are 68', () => expect(ALL).toHaveLength(68))

test('every number is one of them, and none is both tested and listed as not applicable', () => {
  expect([...tested.keys(), ...Object.keys(NOT_APPLICABLE)].filter(number => !ALL.includes(number))).toEqual([])
  expect(Object.keys(NOT_APPLICABLE).filter(number => tested.has(number))).toEqual([])
})

test('what is not applicable has a reason', () => {
  for (const reason of Object.values(NOT_APPLICABLE)) expect(reason.length).toBeGreaterThan(20)
})

test('each of them is tested, or not applicable', () => {
  expect(ALL.filter(number => !tested.has(number) && !(number in NOT_APPLICABLE))).toEqual([])
})
