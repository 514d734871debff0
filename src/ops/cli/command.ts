/** What a command is: a line in the help, its options, and what it does. */
import type { Args, OptionSpec } from './args.ts'
import type { Around } from './around.ts'

export interface Command {
  readonly name: string
  /** What stands behind the name, e.g. `FILE…`. */
  readonly takes: string
  readonly text: string
  /** For the help of the command: more than a line. */
  readonly more?: string
  readonly options: readonly OptionSpec[]
  /** Gives the exit code. */
  run(args: Args, around: Around): Promise<number>
}
