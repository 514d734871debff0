// What an editor shows for an option: its meaning, unit and bounds in words, its default as a tag.

/** A JSDoc comment of some paragraphs and lines. */
export function written(lines, indent) {
  const width = 140 - indent.length
  const wrapped = lines.flatMap(line => wrap(line.replaceAll('*/', '*\\/'), width))
  if (wrapped.length === 0) return ''
  if (wrapped.length === 1) return `${indent}/** ${wrapped[0]} */\n`
  return `${indent}/**\n${wrapped.map(line => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}

function wrap(line, width) {
  const rows = ['']
  for (const word of line.split(' ')) {
    const row = rows.at(-1)
    if (row !== '' && row.length + word.length >= width) rows.push(word)
    else rows[rows.length - 1] = row === '' ? word : `${row} ${word}`
  }
  return rows
}

export function optionComment(option, indent) {
  const facts = [...new Set([option, ...(option.of ?? [])].map(factsOf))].filter(Boolean)
  const texts = [option.text, ...(option.of ?? []).map(form => form.text)].filter(Boolean)
  const lines = texts.length === 0 ? [] : [option.text || texts[0]]
  if (facts.length > 0) lines.push('', facts.join('; '))
  if (option.default !== undefined && !/^(\{\}|\[\])$/.test(JSON.stringify(option.default)))
    lines.push(...(lines.length > 0 && facts.length === 0 ? [''] : []), `@default ${defaultText(option)}`)
  return written(lines, indent)
}

/** Unit and bounds. */
function factsOf(option) {
  const unit =
    option.type === 'duration'
      ? "Milliseconds, or text such as `'250ms'`, `'1m30s'`"
      : option.type === 'size'
        ? "Bytes, or text such as `'64Ki'`, `'1Mi'`"
        : option.type === 'integer' && option.unit === undefined
          ? ''
          : ({ '%': 'Percent', ms: 'Milliseconds' }[option.unit] ?? option.unit ?? '')
  const ms = option.type === 'duration' || option.unit === 'ms' ? ' ms' : ''
  const least = option.min === undefined || (option.min === 0 && !option.above && option.type === 'duration') ? '' : `${option.above ? 'above' : 'at least'} ${option.min}${ms}`
  const most = option.max === undefined ? '' : `at most ${option.max}${ms}`
  const few = option.minItems === undefined ? '' : `at least ${option.minItems} item${option.minItems === 1 ? '' : 's'}`
  const bounds = [least, most, few].filter(Boolean).join(', ')
  const all = [unit, bounds].filter(Boolean).join('; ')
  return all === '' ? '' : `${all[0].toUpperCase()}${all.slice(1)}.`
}

function defaultText({ default: value }) {
  return value === Number.MAX_SAFE_INTEGER ? 'no bound' : typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}
