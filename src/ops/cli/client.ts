/** Speaks to the admin API of a running process. */
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import type { Args, OptionSpec } from './args.ts'
import { type Around, CliError, EXIT } from './around.ts'
import { text } from './diagnostics.ts'

export const ADMIN: readonly OptionSpec[] = [
  {
    name: 'admin',
    value: 'URL',
    text: 'admin API of the process, e.g. http://127.0.0.1:9901; default MESHLESS_ADMIN. The token is in MESHLESS_TOKEN',
  },
]

export interface Answer {
  readonly status: number
  readonly body: any
  readonly etag: string | undefined
}

export class Client {
  readonly #base: string
  readonly #around: Around

  constructor(args: Args, around: Around) {
    const given = args.get('admin') ?? around.env['MESHLESS_ADMIN']
    if (given === undefined || given === '')
      throw new CliError(EXIT.usage, 'which process is meant?', 'give --admin URL, or set MESHLESS_ADMIN')
    this.#base = baseOf(given)
    this.#around = around
  }

  /**
   * Throws a `CliError` when the process cannot be reached or refuses. A text is rules, an object is
   * sent as JSON; `named` says where in the files a diagnostic is.
   */
  async ask(
    method: string,
    path: string,
    body?: string | object,
    headers: Record<string, string> = {},
    named: (found: readonly Diagnostic[]) => readonly Diagnostic[] = found => found,
  ): Promise<Answer> {
    const { MESHLESS_TOKEN: token } = this.#around.env
    let response: Response
    try {
      response = await this.#around.fetch(this.#base + path, {
        method,
        headers: {
          ...headers,
          ...(token !== undefined && token !== '' && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        redirect: 'error',
      })
    } catch (error) {
      const cause = (error as { cause?: Error }).cause ?? (error as Error)
      throw new CliError(
        EXIT.process,
        `${this.#base} cannot be reached: ${cause.message}`,
        'is the process running, with mesh.admin({ port })?',
      )
    }
    const written = await response.text()
    let answer: any
    try {
      answer = written === '' ? undefined : JSON.parse(written)
    } catch {
      throw new CliError(EXIT.process, `${this.#base} does not speak the admin API (${response.status})`, 'is it the right port?')
    }
    if (response.ok) return { status: response.status, body: answer, etag: response.headers.get('etag') ?? undefined }
    const error = answer?.error
    throw this.#refusal(response.status, error?.diagnostics === undefined ? error : { ...error, diagnostics: named(error.diagnostics) })
  }

  #refusal(
    status: number,
    error: { code?: string; message?: string; hint?: string; diagnostics?: readonly Diagnostic[] } | undefined,
  ): CliError {
    if (error?.code === undefined) return new CliError(EXIT.process, `${this.#base} answered ${status}`, 'is it the right port?')
    if (error.code === 'rules-refused') {
      this.#around.err(text(error.diagnostics ?? [], this.#around))
      return new CliError(EXIT.rules, 'the rules were refused; nothing was changed')
    }
    return new CliError(EXIT.process, error.message ?? error.code, error.hint)
  }
}

/** The address of an admin API. What is printed of it must not have credentials, nor a query. */
function baseOf(given: string): string {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`
  const example = 'e.g. http://127.0.0.1:9901'
  if (!URL.canParse(text) || !/^https?:/i.test(text)) {
    const shown = given.replace(/^(.*:\/\/)?.*@/s, '$1…@').replace(/[?#].*$/s, '')
    throw new CliError(EXIT.usage, `--admin: ${JSON.stringify(shown)} is not an http or https URL`, example)
  }
  const { username, password, origin, pathname } = new URL(text)
  if (username !== '' || password !== '')
    throw new CliError(EXIT.usage, `--admin: the URL has credentials, which ${origin} does not read`, 'the token is in MESHLESS_TOKEN')
  return origin + pathname.replace(/\/+$/, '')
}
