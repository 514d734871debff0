/** YAML that every reader takes for the same: what YAML 1.1 or a terminal would read otherwise is quoted. */
import { Document, isScalar, visit } from 'yaml'

const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/
const ESCAPED = new RegExp(UNPRINTABLE.source.replace('\\u0000-\\u001f', ''), 'g')

/** A document with plain data. */
export function writeYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(_, node) {
      if (isScalar(node) && typeof node.value === 'string' && needsQuotes(node.value)) node.type = 'QUOTE_DOUBLE'
    },
  })
  const text = document.toString({ directives: false, lineWidth: 0 })
  return text.replace(ESCAPED, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What YAML 1.1 takes for a boolean, nothing or a merge; and what looks like a number or a date, but addresses. */
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=)$/i
const NUMBER = /^[-+.]?\d(?!\d*\.\d+\.\d+\.\d)[\d_.:xXoObBa-fA-F+-]*$/

/** Lines of a text may be in a block; other control characters may not. */
function needsQuotes(text: string): boolean {
  return WORDS.test(text) || NUMBER.test(text) || UNPRINTABLE.test(text.replaceAll('\n', ''))
}
