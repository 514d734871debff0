/** The same request through the platform's fetch and through mesh.fetch, and everything that a caller or the server can see of both. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { type Answer, type Loopback, loopback } from './loopback.ts'

export type Fetch = typeof fetch
export type Row = [string, (fetch: Fetch, at: string) => Promise<unknown>]

/** undici of Node 20 and 22. Later ones take fewer kinds of arguments; what they refuse or send otherwise is not compared with them. */
export const isFormerFetch = Number.parseInt(process.versions.undici!, 10) < 7

/** Two origins and a mesh without rules. What `same` makes of a view is compared. */
export interface Comparison {
  readonly server: Loopback
  readonly other: Loopback
  readonly mesh: Mesh
  both(run: Row[1], same?: (view: any) => unknown): Promise<void>
}

/** Starts the servers before the tests of a file and stops them after. `others`: paths of the second origin. */
export function startComparison(others: Record<string, Answer> = {}): Comparison {
  const peers = {} as { -readonly [name in keyof Comparison]: Comparison[name] }
  beforeAll(async () => {
    peers.server = await loopback()
    peers.other = await loopback(others)
    peers.mesh = createMesh({})
  })
  afterAll(async () => {
    await peers.mesh.close()
    await peers.server.close()
    await peers.other.close()
  })
  const take = () => [...peers.server.seen.splice(0), ...peers.other.seen.splice(0)].map(withoutBoundary)
  afterEach(() => void take())
  peers.both = async (run, same = view => view) => {
    const expected = await outcome(() => run(fetch, peers.server.origin))
    const asked = take()
    const got = await outcome(() => run(peers.mesh.fetch, peers.server.origin))
    expect(same(got)).toEqual(same(expected))
    expect(take().map(same)).toEqual(asked.map(same))
  }
  return peers
}

/** What a caller can see of an error. */
export function errorView(error: any, depth = 0): unknown {
  if (typeof error !== 'object' || error === null) return error
  return {
    name: error.name,
    message: String(error.message).replace(/127\.0\.0\.1:\d+/g, 'HOST'),
    ...(error.code === undefined || depth === 0 ? {} : { code: error.code }),
    ...(error.cause === undefined || depth > 1 ? {} : { cause: errorView(error.cause, depth + 1) }),
  }
}

/** What a caller can see of a response. */
async function view(response: Response): Promise<unknown> {
  const { status, statusText, ok, url, redirected, type } = response
  const hasBody = response.body !== null
  let body: unknown
  try {
    body = Buffer.from(await response.arrayBuffer()).toString('latin1')
  } catch (error) {
    body = errorView(error)
  }
  return {
    status,
    statusText,
    ok,
    url,
    redirected,
    type,
    hasBody,
    body,
    bodyUsed: response.bodyUsed,
    cookies: response.headers.getSetCookie(),
    headers: [...response.headers].filter(([name]) => name !== 'date'),
  }
}

export async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    const result = await run()
    return result instanceof Response ? await view(result) : result
  } catch (error) {
    return { threw: errorView(error) }
  }
}

/** Multipart boundaries are different each time. */
const withoutBoundary = (seen: object) =>
  JSON.parse(JSON.stringify(seen).replace(/-{2,}(formdata-undici|----WebKitFormBoundary)[-\w]*/g, 'BOUNDARY'))
