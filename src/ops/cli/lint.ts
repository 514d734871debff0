/** `meshless lint`: what is valid and will surprise. */
import { suggest } from '../../core/schema/read.ts'
import { LINT_CODES, lintDocuments } from '../../rules/istio/lint.ts'
import { CliError, EXIT } from './around.ts'
import type { Command } from './command.ts'
import { FORMAT, tell } from './diagnostics.ts'
import { errorsOf, read } from './input.ts'

/** The codes in lines of a terminal's width. */
function wrapped(codes: readonly string[]): string {
  const lines = ['']
  for (const code of codes) {
    const last = lines.at(-1)!
    if (last.length + code.length > 76) lines.push(code)
    else lines[lines.length - 1] = last === '' ? code : `${last}, ${code}`
  }
  return lines.map(line => `  ${line}`).join('\n')
}

export const lint: Command = {
  name: 'lint',
  takes: 'FILE…',
  text: 'finds what is valid and will surprise',
  more: `Findings are warnings and the exit code is 0, unless --fail turns them into 1. Errors in the rules are shown first and end with 1.\n\nFindings:\n${wrapped(LINT_CODES)}`,
  options: [
    { name: 'ignore', value: 'CODE', many: true, text: 'leaves a finding out' },
    { name: 'fail', text: 'a finding ends with exit code 1' },
    ...FORMAT,
  ],
  async run(args, around) {
    const ignore = args.all('ignore')
    for (const code of ignore)
      if (!LINT_CODES.includes(code))
        throw new CliError(
          EXIT.usage,
          `--ignore: there is no finding ${code}`,
          suggest(code, LINT_CODES) ?? `findings: ${LINT_CODES.join(', ')}`,
        )
    const given = await read(args.rest, around)
    const errors = errorsOf(given)
    const findings = errors.length > 0 ? [] : lintDocuments(given.documents, { ignore })
    const wrong = tell([...errors, ...findings], args, around)
    return wrong || (args.has('fail') && findings.length > 0) ? EXIT.rules : EXIT.good
  },
}
