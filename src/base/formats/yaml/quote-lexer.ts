/**
 * Quoted text over several lines as the YAML reader of Kubernetes takes it. YAML wants each further line indented deeper than its key, and
 * our parser ends the text where one is not; libyaml, and so kubectl and istiod, read on to the closing quote.
 */
import { Lexer } from 'yaml'

interface Inside {
  indentNext: number
  parseQuotedScalar(): Generator<string, unknown>
}

/** A lexer to which indentation means nothing inside of quotes. */
export function quoteLexer(): Lexer {
  const lexer = new Lexer()
  const inside = lexer as unknown as Inside
  const parse = inside.parseQuotedScalar
  inside.parseQuotedScalar = function* (this: Inside) {
    const indent = this.indentNext
    this.indentNext = 0
    try {
      return yield* parse.call(this)
    } finally {
      this.indentNext = indent
    }
  }
  return lexer
}
