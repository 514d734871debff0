/** `meshless validate`: what is wrong with rules, as Istio's webhook would say it. */

import { crossReferences } from '../../rules/istio/references.ts'
import { checkSendable } from '../../rules/istio/unsendable.ts'
import { validateDocuments } from '../../rules/istio/validate.ts'
import { EXIT } from './around.ts'
import type { Command } from './command.ts'
import { FORMAT, tell } from './diagnostics.ts'
import { read } from './input.ts'

export const validate: Command = {
  name: 'validate',
  takes: 'FILE…',
  text: 'checks rules: every fault at once, with its place',
  options: [{ name: 'strict', text: 'unknown fields and references that lead nowhere are errors' }, ...FORMAT],
  async run(args, around) {
    const { documents, diagnostics } = await read(args.rest, around)
    const strict = args.has('strict')
    const found = [
      ...diagnostics,
      ...validateDocuments(documents, { strict }),
      ...checkSendable(documents),
      ...crossReferences(documents, strict ? 'error' : 'warning'),
    ]
    return tell(found, args, around) ? EXIT.rules : EXIT.good
  },
}
