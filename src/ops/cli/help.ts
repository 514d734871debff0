/** The help, from the table of commands. */
import type { OptionSpec } from './args.ts'
import type { Command } from './command.ts'
import { table } from './paint.ts'

export function helpOf(commands: readonly Command[]): string {
  return `meshless: Istio traffic rules, inside your process

${table(commands.map(c => ['', `${c.name} ${c.takes}`.trim(), c.text]))}

FILE is a file, a directory, or - for standard input. meshless help COMMAND says more.
Commands on a running process need --admin URL or MESHLESS_ADMIN, and for changes MESHLESS_TOKEN.
Exit codes: 0 good; 1 the rules have errors; 2 the command line is wrong or a file cannot be read; 3 the process cannot be reached or refuses.
`
}

export function helpFor(command: Command): string {
  const options = command.options.length === 0 ? '' : `\n\n${table(command.options.map(o => ['', nameOf(o), o.text]))}`
  const usage = ['meshless', command.name, command.options.length > 0 ? '[OPTION…]' : '', command.takes].filter(Boolean).join(' ')
  return `${usage}\n\n${command.text}${command.more === undefined ? '' : `\n${command.more}`}${options}\n`
}

const nameOf = (o: OptionSpec): string =>
  `${o.short === undefined ? '    ' : `-${o.short}, `}--${o.name}${o.value === undefined ? '' : ` ${o.value}`}`
