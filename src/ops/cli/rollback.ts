/** `meshless rollback` and `meshless history`: the versions of a running process. */
import { CliError, EXIT } from './around.ts'
import { ADMIN, Client } from './client.ts'
import type { Command } from './command.ts'
import { paintFor, table } from './paint.ts'

export const rollback: Command = {
  name: 'rollback',
  takes: '[VERSION]',
  text: 'brings an earlier version back; without one, the version before',
  options: [...ADMIN],
  async run(args, around) {
    const [given, more] = args.rest
    if (more !== undefined || (given !== undefined && !/^\d+$/.test(given)))
      throw new CliError(EXIT.usage, `${JSON.stringify(more ?? given)} is no version`, '`meshless history` lists them')
    const client = new Client(args, around)
    const version = given === undefined ? await before(client) : Number(given)
    const { body } = await client.ask('POST', '/rollback', { version })
    around.out(`version ${body.version} is in force, with the rules of version ${version}\n`)
    return EXIT.good
  },
}

async function before(client: Client): Promise<number> {
  const { versions } = (await client.ask('GET', '/history')).body
  const found = versions.at(-2)
  if (found === undefined) throw new CliError(EXIT.process, 'there is no version before this one')
  return found.version
}

export const history: Command = {
  name: 'history',
  takes: '',
  text: 'lists the versions that are kept',
  options: [{ name: 'json', text: 'as JSON' }, ...ADMIN],
  async run(args, around) {
    const { body } = await new Client(args, around).ask('GET', '/history')
    if (args.has('json')) around.out(`${JSON.stringify(body, undefined, 2)}\n`)
    else {
      const rows = body.versions.map((v: any) => [
        String(v.version),
        new Date(v.at).toISOString(),
        v.action,
        v.source,
        [...v.added.map((k: string) => `+${k}`), ...v.changed.map((k: string) => `~${k}`), ...v.removed.map((k: string) => `-${k}`)].join(
          ' ',
        ),
      ])
      const [head = '', ...lines] = table([['VERSION', 'WHEN', 'ACTION', 'SOURCE', 'CHANGES'], ...rows]).split('\n')
      around.out(`${[paintFor(around).bold(head), ...lines].join('\n')}\n`)
    }
    return EXIT.good
  },
}
