/** Every promise of docs/threat-model.md names tests, and these tests are there under these titles. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const page = readFileSync(new URL('../docs/threat-model.md', import.meta.url), 'utf8')
const promises = page
  .split('\n')
  .map(line => /^\| (?<promise>.+?) \| (?<tests>.*\]\(.*) \|$/.exec(line)?.groups)
  .filter(row => row !== undefined)
const links = promises.flatMap(({ tests = '' }) =>
  Array.from(tests.matchAll(/\[(?<title>.+?)\]\((?<file>\.\.\/test\/[^)]+)\)/g), ({ groups }) => [groups!['file']!, groups!['title']!]),
)

/** A title as its file writes it, in whichever quotes. */
const isTitle = (title: string, source: string): boolean =>
  ["'", '"', '`'].some(quote => source.replaceAll(`\\${quote}`, quote).includes(`${quote}${title}${quote}`))

describe('the threat model', () => {
  test('has promises about everybody, each with a test', () => {
    const sections = page.split(/^## /m).slice(1)
    expect(sections.map(section => section.split('\n')[0])).toEqual([
      'Caller',
      'Upstream',
      'Rule author',
      'Network source',
      'Local user',
      'Web page',
      'Dependency',
      'Not promised',
    ])
    for (const section of sections.slice(0, -1)) {
      const rows = section.split('\n').filter(line => /^\| (?!promise|---)/.test(line))
      expect(rows.length).toBeGreaterThan(2)
      for (const row of rows) expect(row).toMatch(/\]\(\.\.\/test\/.+\) \|$/)
    }
    expect(promises.length).toBeGreaterThan(25)
  })

  test.each(links)('%s: %s', (file, title) => {
    expect(isTitle(title, readFileSync(new URL(file, new URL('../docs/', import.meta.url)), 'utf8'))).toBe(true)
  })

  test('a title that is nowhere is found missing', () => expect(isTitle('no test', "test('some test', () => {})")).toBe(false))
})
