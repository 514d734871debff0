/** `meshless lint`: what is valid and will surprise. */
import { lintDocuments } from '../../rules/istio/lint.ts'
import { validateDocuments } from '../../rules/istio/validate.ts'
import { EXIT } from './around.ts'
import type { Command } from './command.ts'
import { FORMAT, tell } from './diagnostics.ts'
import { read } from './input.ts'

export const lint: Command = {
  name: 'lint',
  takes: 'FILE…',
  text: 'finds what is valid and will surprise',
  more: 'Findings are warnings and the exit code is 0, unless --fail turns them into 1. Errors in the rules are shown first and end with 1.',
  options: [
    { name: 'ignore', value: 'CODE', many: true, text: 'leaves a finding out' },
    { name: 'fail', text: 'a finding ends with exit code 1' },
    ...FORMAT,
  ],
  async run(args, around) {
    const { documents, diagnostics } = await read(args.rest, around)
    const errors = [...diagnostics, ...validateDocuments(documents)].filter(d => d.severity === 'error')
    const findings = errors.length > 0 ? [] : lintDocuments(documents, { ignore: [...args.all('ignore')] })
    const wrong = tell([...errors, ...findings], args, around)
    return wrong || (args.has('fail') && findings.length > 0) ? EXIT.rules : EXIT.good
  },
}
