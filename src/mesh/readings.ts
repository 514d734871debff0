/** What was read of each source the last time: a part whose text is the same is not read again, so an edit of one file costs that file. */
import type { Steps } from '../base/time/slices.ts'
import type { SourceSet, Trust } from '../core/source.ts'
import { type ParsedRules, parsing } from '../rules/istio/parse.ts'

export class Readings {
  readonly #last = new Map<string, { trust: Trust | undefined; parts: ReadonlyMap<string, ParsedRules> }>();

  *of(source: string, parts: readonly SourceSet[], trust: Trust | undefined): Steps<ParsedRules[]> {
    const last = this.#last.get(source)
    const before = last?.trust === trust ? last?.parts : undefined // what is trusted less is read for itself
    const now = new Map<string, ParsedRules>()
    const all: ParsedRules[] = []
    for (const { documents, origin } of parts) {
      const key = typeof documents === 'string' ? `${origin ?? ''}\n${documents}` : undefined
      const read = (key === undefined ? undefined : before?.get(key)) ?? (yield* parsing(documents, origin))
      if (key !== undefined) now.set(key, read)
      all.push(read)
    }
    this.#last.set(source, { trust, parts: now })
    return all
  }
}
