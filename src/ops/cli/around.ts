/** What a command may touch: nothing else is read, written or asked, so that commands can be tried like functions. */

export interface Around {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether the output is read by a person at a terminal. */
  readonly terminal: boolean
  out(text: string): void
  err(text: string): void
  stdin(): Promise<string>
  readonly fetch: typeof fetch
}

/** How a command ends. */
export const EXIT = {
  good: 0,
  /** The rules have errors. */
  rules: 1,
  /** The command line is wrong, or a file cannot be read. */
  usage: 2,
  /** The running process cannot be reached, or refused. */
  process: 3,
} as const

/** A command that cannot go on. */
export class CliError extends Error {
  readonly exit: number
  readonly hint: string | undefined

  constructor(exit: number, message: string, hint?: string) {
    super(message)
    this.exit = exit
    this.hint = hint
  }
}
