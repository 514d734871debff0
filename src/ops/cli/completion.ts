/** `meshless completion`: what a shell needs to complete our command lines, from the same table as the help. */
import { CliError, EXIT } from './around.ts'
import type { Command } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** Made from the table of commands, which it is a part of. */
export function completionOf(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    takes: 'bash|zsh|fish',
    text: 'prints what the shell needs to complete command lines',
    more: 'bash: eval "$(meshless completion bash)"   zsh: the same with zsh   fish: meshless completion fish | source',
    options: [],
    async run(args, around) {
      const [shell] = args.rest
      if (!SHELLS.includes(shell as 'bash'))
        throw new CliError(EXIT.usage, shell === undefined ? 'which shell?' : `no completion for ${shell}`, SHELLS.join(', '))
      around.out({ bash, zsh, fish }[shell as 'bash'](commands()))
      return EXIT.good
    },
  }
}

const optionsOf = (command: Command): string => command.options.map(o => `--${o.name}`).join(' ')

function bash(commands: readonly Command[]): string {
  return `_meshless() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(c => c.name).join(' ')} help" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${commands.map(c => `    ${c.name}) COMPREPLY=($(compgen -W "${[optionsOf(c), c.name === 'completion' ? SHELLS.join(' ') : ''].filter(Boolean).join(' ')}" -- "$word")) ;;`).join('\n')}
  esac
  case "$word" in -*) ;; *) COMPREPLY+=($(compgen -f -- "$word")) ;; esac
}
complete -o filenames -F _meshless meshless
`
}

function zsh(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(':', '\\:').replaceAll('[', '\\[').replaceAll(']', '\\]')
  return `#compdef meshless
_meshless() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${commands.map(c => `      '${c.name}:${quoted(c.text)}'`).join('\n')}
    )
    _describe command commands
    return
  fi
  case "\${words[2]}" in
${commands
  .map(
    c =>
      `    ${c.name}) _arguments ${c.options.map(o => `'--${o.name}[${quoted(o.text)}]${o.value === undefined ? '' : `:${o.value.toLowerCase().replaceAll(':', '')}:`}'`).join(' ')} '*:file:_files' ;;`,
  )
  .join('\n')}
  esac
}
compdef _meshless meshless
`
}

function fish(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = commands.flatMap(c => [
    `complete -c meshless -n __fish_use_subcommand -a ${c.name} -d ${quoted(c.text)}`,
    ...c.options.map(
      o =>
        `complete -c meshless -n '__fish_seen_subcommand_from ${c.name}' -l ${o.name}${o.short === undefined ? '' : ` -s ${o.short}`}${o.value === undefined ? '' : ' -r'} -d ${quoted(o.text)}`,
    ),
  ])
  return `${lines.join('\n')}\n`
}
