/** `meshless delete`: takes one document out of a running process. */
import { CliError, EXIT } from './around.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { address } from './get.ts'
import { kindOf } from './kinds.ts'
import { oneLine } from './printable.ts'

export const remove: Command = {
  name: 'delete',
  takes: 'KIND NAME',
  text: 'takes one document out of a running process',
  options: [{ name: 'namespace', short: 'n', value: 'NAME', text: 'namespace of the document; default `default`' }, ...ADMIN],
  async run(args, around) {
    const [kind, name, more] = args.rest
    if (kind === undefined || name === undefined || more !== undefined)
      throw new CliError(EXIT.usage, 'which document is meant?', 'meshless delete KIND NAME, e.g. meshless delete VirtualService reviews')
    const wanted = kindOf(kind)
    const { body } = await new Client(args, around).ask('DELETE', address(wanted, name, args.get('namespace')))
    around.out(`${wanted} ${oneLine(name)} is gone; version ${body.version} is in force\n`)
    return EXIT.good
  },
}
