/** `meshless apply`: puts rules into a running process. */
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import { CliError, EXIT } from './around.ts'
import { changesText } from './changes.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { text } from './diagnostics.ts'
import { inFiles, joined, readRight } from './input.ts'

export const apply: Command = {
  name: 'apply',
  takes: 'FILE…',
  text: 'creates or replaces the documents in a running process',
  more: 'All of them take effect, or none. Documents that are not named stay, unless --replace makes the files the whole set.',
  options: [
    { name: 'replace', text: 'what is applied and not in the files goes away' },
    { name: 'if-version', value: 'N', text: 'only when version N of the rules is in force' },
    { name: 'json', text: 'the answer as JSON' },
    ...ADMIN,
  ],
  async run(args, around) {
    const client = new Client(args, around)
    const given = await readRight(args.rest, around)
    if (given === undefined) return EXIT.rules
    const version = args.get('if-version')
    if (version !== undefined && !/^\d+$/.test(version))
      throw new CliError(EXIT.usage, `--if-version: ${JSON.stringify(version)} is no version`, '`meshless history` lists them')
    const named = (found: readonly Diagnostic[]) => inFiles(given, found)
    const whole = args.has('replace')
    const body = joined(given)
    const plan = await client.ask('POST', whole ? '/plan' : '/plan?patch', body, {}, named)
    const { body: done } = await client.ask(
      whole ? 'PUT' : 'PATCH',
      '/rules',
      body,
      version === undefined ? {} : { 'if-match': `"v${version}"` },
      named,
    )
    if (args.has('json')) around.out(`${JSON.stringify(done, undefined, 2)}\n`)
    else {
      if (done.warnings.length > 0) around.err(text(inFiles(given, done.warnings), around))
      around.out(`${changesText(plan.body.changes, around)}version ${done.version} is in force\n`)
    }
    return EXIT.good
  },
}
