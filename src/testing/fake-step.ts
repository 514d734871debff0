/** What an upstream that exists only in a script does with one request. */
import {
  anything,
  boolean,
  duration,
  type Fault,
  type InputOf,
  integer,
  map,
  Place,
  readFields,
  refuse,
  show,
  suggest,
} from '../core/schema/index.ts'

/** Text or bytes, whole or in pieces. */
export type FakeBody = string | Uint8Array | readonly (string | Uint8Array)[]

export const fakeResponseFields = {
  status: integer('HTTP status.', { default: 200, min: 100, max: 999 }),
  headers: map('Headers; a list stands for several lines of that name.', anything<string | readonly string[]>(''), { default: {} }),
  body: anything<FakeBody>('Text or bytes; a list comes in pieces, `pause` apart. Default: none.'),
  delay: duration('Time on the clock until the headers come.', { default: 0, min: 0 }),
  pause: duration('Time on the clock before each piece of the body.', { default: 0, min: 0 }),
  cut: boolean('Whether the connection breaks after the body, which is then not complete.', { default: false }),
} as const

/** An answer; `{}` is an empty 200. */
export interface FakeResponse extends InputOf<typeof fakeResponseFields> {}

const WORDS = ['refuse', 'unreachable', 'hang', 'reset', 'garbage', 'refused-stream'] as const

/**
 * What happens to a request, or to a connection that is about to be made for it:
 * - `refuse`: connecting fails (`ECONNREFUSED`); `unreachable`: connecting takes until the connect timeout;
 * - `hang`: the request is taken and never answered;
 * - `reset`: the connection ends before a byte of the answer; `garbage`: what comes back is no HTTP; `refused-stream`: HTTP/2's word for "not processed".
 */
export type FakeStep = FakeResponse | (typeof WORDS)[number]

/** A step as it is played. */
export type PlayedStep = PlayedResponse | (typeof WORDS)[number]
export interface PlayedResponse {
  readonly status: number
  /** Name, value, name, value … */
  readonly headers: readonly string[]
  readonly pieces: readonly Uint8Array[]
  readonly delay: number
  readonly pause: number
  readonly cut: boolean
}

/** Reads a step. `where` it stands begins what is said of a wrong one. */
export function readStep(step: unknown, where: string): PlayedStep {
  if (typeof step === 'string' && WORDS.includes(step as 'hang')) return step as 'hang'
  const faults: Fault[] = []
  if (typeof step === 'string') {
    const hint = suggest(step, WORDS) ?? `a text is one of ${WORDS.join(', ')}; an answer is { body: … }`
    refuse('fakeTransport', [{ path: where, kind: 'value', message: `${show(step)} is not a step`, hint }])
  }
  const read = readFields(fakeResponseFields, step, new Place(where, true, faults)) as Omit<PlayedResponse, 'headers' | 'pieces'> &
    Pick<FakeResponse, 'headers' | 'body'>
  const { body, headers = {} } = read
  const pieces = body === undefined ? [] : Array.isArray(body) ? body : [body]
  if (!pieces.every(piece => typeof piece === 'string' || piece instanceof Uint8Array))
    faults.push({
      path: `${where}.body`,
      kind: 'type',
      message: `${show(body)} is not text, bytes or a list of them`,
      hint: 'JSON.stringify objects',
    })
  refuse('fakeTransport', faults)
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap(line => [name, String(line)]),
  )
  return { status: read.status, headers: lines, pieces: pieces.map(bytesOf), delay: read.delay, pause: read.pause, cut: read.cut }
}

const encoder = new TextEncoder()
const bytesOf = (piece: string | Uint8Array) => (typeof piece === 'string' ? encoder.encode(piece) : piece)
