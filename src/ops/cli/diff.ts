/** `meshless diff`: what applying files would change in a running process. */
import type { Plan } from '../../mesh/plan.ts'
import { EXIT } from './around.ts'
import { changesText } from './changes.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { text } from './diagnostics.ts'
import { inFiles, joined, readRight } from './input.ts'

export const diff: Command = {
  name: 'diff',
  takes: 'FILE…',
  text: 'shows what `apply` would change in a running process',
  options: [
    { name: 'replace', text: 'compares with the whole set, as `apply --replace` would put it' },
    { name: 'json', text: 'the plan as JSON' },
    ...ADMIN,
  ],
  async run(args, around) {
    const client = new Client(args, around)
    const given = await readRight(args.rest, around)
    if (given === undefined) return EXIT.rules
    const { body } = await client.ask('POST', args.has('replace') ? '/plan' : '/plan?patch', joined(given), {}, d => inFiles(given, d))
    const plan = body as Plan
    if (args.has('json')) around.out(`${JSON.stringify(plan, undefined, 2)}\n`)
    else if (plan.accepted) around.out(changesText(plan.changes, around))
    else around.err(text(inFiles(given, [...plan.errors, ...plan.warnings]), around))
    return plan.accepted ? EXIT.good : EXIT.rules
  },
}
