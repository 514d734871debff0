/** Reads a report of Stryker: the score of a group, its open survivors, and listed survivors that are killed by now. */
import { readFileSync } from 'node:fs'

const CAUGHT = new Set(['Killed', 'Timeout'])
const COUNTED = new Set([...CAUGHT, 'Survived', 'NoCoverage'])

/** A mutant as survivors.json names it: the file, the mutated source line and what replaced what, so that moved lines keep their entry. */
function describe(file, source, mutant) {
  const lines = source.split('\n')
  const { start, end } = mutant.location
  const original =
    start.line === end.line
      ? lines[start.line - 1].slice(start.column - 1, end.column - 1)
      : `${lines[start.line - 1].slice(start.column - 1)} …`
  return `${file}: ${original.trim()} → ${mutant.replacement.split('\n')[0].trim()}  [${lines[start.line - 1].trim()}]`
}

export function summarise(name, report, listFile) {
  const list = JSON.parse(readFileSync(listFile, 'utf8'))[name] ?? {}
  let killed = 0
  let total = 0
  const open = []
  const seen = new Set()
  for (const [file, { source, mutants }] of Object.entries(report.files)) {
    for (const mutant of mutants) {
      if (!COUNTED.has(mutant.status)) continue
      total++
      const text = describe(file, source, mutant)
      if (CAUGHT.has(mutant.status)) killed++
      else if (list[text] !== undefined) seen.add(text)
      else open.push(`${mutant.location.start.line}: ${text}`)
    }
  }
  const listed = total - killed - open.length
  return { name, total, killed, listed, open, score: total === 0 ? 100 : ((killed + listed) / total) * 100, stale: Object.keys(list).filter(text => !seen.has(text)) }
}
