/** Runs one command line: finds the command, reads its options, and says what is wrong in a way that helps. */
import { suggest } from '../../core/schema/read.ts'
import { parseArgs } from './args.ts'
import { type Around, CliError, EXIT } from './around.ts'
import { COMMANDS } from './commands.ts'
import { helpFor, helpOf } from './help.ts'
import { paintFor } from './paint.ts'
import { oneLine, printable } from './printable.ts'
import { VERSION } from './version.ts'

/** Runs one command and returns its exit code; never throws. What it prints has no raw control characters. */
export async function run(argv: readonly string[], process: Around): Promise<number> {
  const around: Around = {
    ...process,
    out: text => process.out(printable(text)),
    err: text => process.err(printable(text)),
  }
  const [name, ...rest] = argv
  try {
    if (name === undefined) {
      around.err(helpOf(COMMANDS))
      return EXIT.usage
    }
    if (name === '--version' || name === '-v') {
      around.out(`${VERSION}\n`)
      return EXIT.good
    }
    const asked = name === 'help' || name === '--help' || name === '-h'
    const wanted = asked ? rest[0] : name
    if (wanted === undefined) {
      around.out(helpOf(COMMANDS))
      return EXIT.good
    }
    const command = COMMANDS.find(c => c.name === wanted)
    if (command === undefined) {
      const names = COMMANDS.map(c => c.name)
      throw new CliError(
        EXIT.usage,
        `there is no command ${JSON.stringify(wanted)}`,
        suggest(wanted, names) ?? `commands: ${names.join(', ')}`,
      )
    }
    if (asked || rest.includes('--help') || rest.includes('-h')) {
      around.out(helpFor(command))
      return EXIT.good
    }
    return await command.run(parseArgs(rest, command.options), around)
  } catch (error) {
    const paint = paintFor(around)
    const known = error instanceof CliError ? error : undefined
    const message = error instanceof Error ? error.message : String(error)
    around.err(`${paint.red('meshless:')} ${known === undefined ? message : oneLine(message)}\n`)
    if (known?.hint !== undefined) around.err(`  ${oneLine(known.hint)}\n`)
    return known?.exit ?? EXIT.usage
  }
}
