/** Requests that the rules do not govern (`mode: 'off'` or `'observe'`, a mesh that was closed): they go through the platform's fetch. */
import { outcomeOf } from '../core/outcome.ts'
import type { BodyReader, BodySource, WireBody } from '../core/transport.ts'
import type { Handle, MeshReply } from '../traffic/engine/exchange.ts'

/** fetch, under the form in which the ways in speak to the mesh. It follows no redirects. */
export function handleOver(fetcher: typeof fetch): Handle {
  return async ({ method, scheme, authority, path, headers: lines, body, signal }) => {
    const headers: [string, string][] = []
    for (let i = 0; i < lines.length; i += 2) headers.push([lines[i]!, lines[i + 1]!])
    const response = await fetcher(`${scheme}://${authority}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(signal === undefined ? {} : { signal }),
      ...bodyOf(body),
    } as RequestInit)
    return replyOf(response)
  }
}

function replyOf(response: Response): MeshReply {
  const headers: string[] = []
  // The platform has decoded the body: its coding and length are no longer true.
  const isCoded = response.headers.has('content-encoding')
  for (const [name, value] of response.headers)
    if (!isCoded || (name !== 'content-encoding' && name !== 'content-length')) headers.push(name, value)
  return {
    status: response.status,
    statusText: response.statusText,
    headers,
    body: response.body === null ? undefined : new StreamSource(response.body.getReader()),
    text: undefined,
    outcome: outcomeOf(response) as MeshReply['outcome'],
  }
}

function bodyOf(body: WireBody | undefined): object {
  if (body === undefined) return {}
  if (body.bytes !== undefined) return { body: body.bytes }
  const chunks = body.open?.()
  return {
    duplex: 'half',
    body: new ReadableStream({
      async pull(controller) {
        const { done, value } = await chunks!.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        chunks?.return?.()?.then(undefined, () => {})
      },
    }),
  }
}

/** A stream of the web, pushed to one reader. */
class StreamSource implements BodySource {
  readonly length = undefined
  readonly #stream: ReadableStreamDefaultReader<Uint8Array>
  #reader: BodyReader | undefined
  #paused = false
  #flowing = false
  #over = false

  constructor(stream: ReadableStreamDefaultReader<Uint8Array>) {
    this.#stream = stream
  }

  read(reader: BodyReader): void {
    this.#reader = reader
    void this.#flow()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    void this.#flow()
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#stream.cancel().catch(() => {})
  }

  async #flow(): Promise<void> {
    if (this.#flowing) return
    this.#flowing = true
    try {
      while (!this.#paused && !this.#over) {
        const { done, value } = await this.#stream.read()
        if (this.#over) return
        if (done) {
          this.#over = true
          return this.#reader!.end()
        }
        this.#reader!.data(value)
      }
    } catch (error) {
      if (this.#over) return
      this.#over = true
      this.#reader!.error(error as Error)
    } finally {
      this.#flowing = false
    }
  }
}
