/** The options table of a docs page. */
import { formatDuration, LONGEST_MS, toMs } from '../../base/time/duration.ts'
import type { Fields, Option } from './types.ts'

/** A Markdown table: option, type, default, meaning. */
export function optionsTable(fields: Fields): string {
  const rows: string[] = []
  const add = (prefix: string, of: Fields) => {
    for (const [key, option] of Object.entries(of)) {
      const name = prefix + key
      rows.push(`| \`${name}\` | ${typeOf(option)} | ${defaultOf(option)} | ${option.text.replaceAll('|', '\\|')} |`)
      for (const form of option.of ?? [option]) if (form.fields) add(`${name}.`, form.fields)
    }
  }
  add('', fields)
  return ['| option | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function typeOf(option: Option): string {
  const bounds = [
    option.min === undefined ? '' : `${option.above ? '>' : '≥'} ${option.min}`,
    option.max === undefined ? '' : `≤ ${option.max}`,
  ]
    .filter(Boolean)
    .join(', ')
  const base =
    option.type === 'enum'
      ? option.values!.map(v => `\`${v}\``).join(' ')
      : option.type === 'union'
        ? option.of!.map(typeOf).join(' or ')
        : option.methods !== undefined
          ? 'object'
          : option.type
  const unit = option.unit && option.type !== 'duration' && option.type !== 'size' ? ` ${option.unit}` : ''
  return `${base}${unit}${bounds ? ` (${bounds})` : ''}`
}

function defaultOf(option: Option): string {
  if (option.required) return 'required'
  if (option.default === undefined || /^(\{\}|\[\])$/.test(JSON.stringify(option.default))) return '–'
  if (option.type !== 'duration') return `\`${JSON.stringify(option.default)}\``
  return option.default === LONGEST_MS ? 'no bound' : formatDuration(toMs(option.default))
}
