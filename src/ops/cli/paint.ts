/** Colours and tables, for those who look at a terminal. */
import type { Around } from './around.ts'
import { colour, oneLine } from './printable.ts'

export type Paint = Record<'red' | 'yellow' | 'green' | 'blue' | 'dim' | 'bold', (text: string) => string>

const CODES = { red: 31, yellow: 33, green: 32, blue: 34, dim: 2, bold: 1 } as const

/** NO_COLOR turns colours off, FORCE_COLOR on; otherwise a terminal has them. */
export function paintFor({ env, terminal }: Around): Paint {
  const on = env['NO_COLOR'] ? false : env['FORCE_COLOR'] ? env['FORCE_COLOR'] !== '0' : terminal && env['TERM'] !== 'dumb'
  const make = (code: number) => (text: string) => (on ? colour(code) + text + colour(0) : text)
  return Object.fromEntries(Object.entries(CODES).map(([name, code]) => [name, make(code)])) as Paint
}

/** Columns as wide as their widest cell, each row on one line. The first row is the head. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map(row => row.map(oneLine))
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows.map(row => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]!))).join('  ')).join('\n')
}
