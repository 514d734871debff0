/** axios over a mesh beside axios over its own Node adapter: the same config, the same server, the same result or the same error. */
import { Readable } from 'node:stream'
import axios, { AxiosError, type AxiosInstance, type AxiosRequestConfig } from 'axios'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { type Answer, loopback } from '../outbound/loopback.ts'

/** What only the connection decides. */
const OF_THE_CONNECTION = /^(connection|keep-alive)$/i

export type Run = (client: AxiosInstance, at: string) => Promise<unknown>
export type Row = [string, Run]
export const get = (name: string, path: string, config: AxiosRequestConfig = {}): Row => [
  name,
  (client, at) => client.get(at + path, config),
]

export interface SideBySide {
  readonly server: Awaited<ReturnType<typeof loopback>>
  readonly mesh: Mesh
  readonly ours: AxiosInstance
  readonly theirs: AxiosInstance
  /** Runs a request through both clients; what the caller and the server see must be equal. */
  both(run: Run): Promise<void>
}

/** Starts and ends with the tests of a file. */
export function sideBySide(more: Record<string, Answer> = {}): SideBySide {
  const pair = {} as { -readonly [K in keyof SideBySide]: SideBySide[K] }
  beforeAll(async () => {
    pair.server = await loopback(more)
    pair.mesh = createMesh({})
    pair.ours = axios.create({ adapter: pair.mesh.axios(), proxy: false })
    pair.theirs = axios.create({ adapter: 'http', proxy: false })
  })
  afterAll(async () => {
    await pair.mesh.close()
    await pair.server.close()
  })
  afterEach(() => {
    pair.server.seen.length = 0
  })
  const asked = () => pair.server.seen.splice(0).map(({ headers, body, ...rest }) => ({ ...rest, ...sent(headers, body) }))
  pair.both = async run => {
    const expected = await viewOf(() => run(pair.theirs, pair.server.origin))
    const wanted = asked()
    expect(await viewOf(() => run(pair.ours, pair.server.origin))).toEqual(expected)
    expect(asked()).toEqual(wanted)
  }
  return pair
}

/** A request as the server got it, without the boundaries that chance makes. */
function sent(headers: string[], body: string): object {
  const isMultipart = body.startsWith('--')
  const lines: string[] = []
  for (let i = 0; i < headers.length; i += 2)
    if (!OF_THE_CONNECTION.test(headers[i]!))
      lines.push(`${headers[i]!.toLowerCase()}: ${headers[i + 1]!.replace(/boundary=\S{20,}/, 'boundary')}`)
  return {
    // The length of a multipart body depends on its boundary.
    headers: lines.filter(line => !(isMultipart && line.startsWith('content-length'))).sort(),
    body: isMultipart ? body.replace(/-{2}[-\w.]{20,}/g, 'BOUNDARY') : body,
  }
}

function errorView(error: any): unknown {
  const { name, code, status, isAxiosError, response } = error
  return {
    name,
    message: error.message,
    code,
    status,
    isAxiosError,
    real: error instanceof AxiosError,
    cancelled: axios.isCancel(error),
    // For the others our class is not its own.
    ofClass: error.message === 'canceled' && error instanceof axios.CanceledError,
    data: response?.data instanceof Readable ? 'stream' : response?.data,
    config: error.config?.url,
    // Of what a signal ended axios itself makes the error, which knows no request.
    asked: axios.isCancel(error) || code === 'ERR_BAD_OPTION_VALUE' || (error.request !== undefined && error.request !== null),
  }
}

async function viewOf(run: () => Promise<any>): Promise<unknown> {
  try {
    const response = await run()
    if (response === undefined || response === null || typeof response !== 'object' || !('status' in response)) return response
    const { status, statusText, data, headers, request } = response
    const lines = Object.entries(headers.toJSON()).filter(([name]) => !/^(date|connection|keep-alive)$/.test(name))
    const { method, path, protocol } = request ?? {}
    // Only what follows redirects tells where it came to.
    const isFollowing = response.config?.maxRedirects !== 0
    const url = isFollowing ? request?.res?.responseUrl.replace(/#.*|(?<=:\/\/)[^/]*@/g, '') : undefined
    return { status, statusText, data, headers: lines, url, request: { method, path, protocol } }
  } catch (error) {
    return { threw: errorView(error) }
  }
}
