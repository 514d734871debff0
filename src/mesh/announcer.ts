/**
 * Warnings reach people: what nobody listens to is printed once, as a warning of the process. Listeners of `warning` that are attached
 * right after `createMesh` hear those of its rules too.
 */
import { oneLine } from '../base/formats/one-line.ts'
import { runInMicrotask } from '../base/time/event-loop.ts'
import { type Emitter, report } from '../core/events.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { MeshEvents } from './events.ts'

/** Diagnostics that one warning of the process spells out. */
const SHOWN = 20
/** Different ones that are remembered as printed. */
const REMEMBERED = 10_000

export class Announcer {
  readonly #events: Emitter<MeshEvents>
  readonly #announced = new Set<string>()
  #waiting: Diagnostic[] = []

  constructor(events: Emitter<MeshEvents>) {
    this.#events = events
  }

  /** `isHeard`: a listener was given them with an event already. */
  announce(diagnostics: readonly Diagnostic[], isHeard = false): void {
    for (const diagnostic of diagnostics) {
      if (diagnostic.severity !== 'warning') continue
      const line = lineOf(diagnostic)
      if (this.#announced.has(line) || this.#announced.size >= REMEMBERED) continue
      this.#announced.add(line)
      if (isHeard && !this.#events.hears('warning')) continue
      if (this.#waiting.length === 0) runInMicrotask(() => this.#tell())
      this.#waiting.push(diagnostic)
    }
  }

  #tell(): void {
    const told = this.#waiting
    this.#waiting = []
    const isHeard = this.#events.hears('warning')
    for (const diagnostic of told) this.#events.emit('warning', diagnostic)
    if (!isHeard) print('MeshlessRulesWarning', told)
  }

  /** A set of a source was refused. Nobody called, so nobody has the result. */
  refused(source: string, errors: readonly Diagnostic[]): void {
    if (!this.#events.hears('rejected')) print('MeshlessRulesError', errors, `rules of ${source} were refused, the last good ones stay: `)
  }

  /** A source could not deliver. */
  failed(source: string, error: Error): void {
    if (!this.#events.hears('sourceError')) report(new Error(`source ${source}: ${error.message}`, { cause: error }))
  }
}

function print(name: string, diagnostics: readonly Diagnostic[], intro = ''): void {
  const lines = diagnostics.slice(0, SHOWN).map(lineOf)
  const rest = diagnostics.length - lines.length
  if (rest > 0) lines.push(`and ${rest} more; mesh.diagnostics has all`)
  const separator = lines.length > 1 ? '\n  ' : ''
  const warning = new Error(`${intro}${separator}${lines.join('\n  ')}`)
  warning.name = name
  delete warning.stack // where rules were compiled says nothing about them
  report(warning)
}

function lineOf({ source, line, kind, name, path, message, hint, code }: Diagnostic): string {
  const at = [source, line === undefined ? undefined : `line ${line}`, kind && `${kind} ${name ?? ''}`.trim(), path]
    .filter(Boolean)
    .join(' ')
  return oneLine(`${at === '' ? '' : `${at}: `}${message}${hint === undefined ? '' : ` (${hint})`} [${code}]`)
}
