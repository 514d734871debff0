/** The entries of performance.getEntriesByType('resource'), beside those of the platform's fetch. */
import { beforeEach, describe, expect, test } from 'vitest'
import { startComparison } from './compare.ts'

const peers = startComparison()
const entries = () => performance.getEntriesByType('resource') as PerformanceResourceTiming[]
beforeEach(() => performance.clearResourceTimings())

/** Times in their order, and everything else. */
const order = (entry: PerformanceResourceTiming) => {
  const { startTime, redirectStart, redirectEnd, fetchStart, requestStart, responseStart, responseEnd } = entry
  const isOrdered = (...times: number[]) => times.every((time, i) => time > 0 && (i === 0 || times[i - 1]! <= time))
  return redirectStart === 0
    ? isOrdered(startTime, fetchStart, requestStart, responseStart, responseEnd)
    : isOrdered(startTime, redirectStart, redirectEnd, fetchStart, requestStart, responseStart, responseEnd)
}
const view = (entry: PerformanceResourceTiming) => {
  const { name, initiatorType, encodedBodySize, decodedBodySize, transferSize, redirectStart } = entry
  return { name, initiatorType, encodedBodySize, decodedBodySize, transferSize, redirects: redirectStart > 0 }
}

type Use = (response: Response) => Promise<unknown>
const text: Use = response => response.text()
const stream: Use = async response => {
  for await (const _ of response.body as unknown as AsyncIterable<Uint8Array>);
}

/** fetch of Node counts the bodies of redirects too; the specification has those of the response. */
const withoutSizes = (entry: object) => ({ ...entry, encodedBodySize: 0, transferSize: 0 })

describe('an entry as of fetch', () => {
  const rows: [string, string, RequestInit | undefined, Use, ((entry: object) => object)?][] = [
    ['text', '/echo?q=1', undefined, text],
    ['a stream', '/large', undefined, stream],
    ['a clone', '/chunked', undefined, async response => Promise.all([response.clone().text(), response.text()])],
    ['an empty body', '/empty', undefined, text],
    ['204', '/204', undefined, async () => {}],
    ['HEAD', '/echo', { method: 'HEAD' }, async () => {}],
    ['an error status', '/404', undefined, text],
    ['a redirect', '/302', undefined, text, withoutSizes],
    ['two redirects', '/hop1', undefined, text, withoutSizes],
  ]
  test.each(rows)('%s', async (_name, path, init, use, same = entry => entry) => {
    const views: unknown[] = []
    for (const f of [fetch, peers.mesh.fetch]) {
      performance.clearResourceTimings()
      await use(await f(peers.server.origin + path, init))
      await expect.poll(() => entries().length).toBe(1)
      expect(order(entries()[0]!)).toBe(true)
      views.push(same(view(entries()[0]!)))
    }
    expect(views[1]).toEqual(views[0])
  })

  test.each([text, stream])('of a compressed body: both sizes', async use => {
    await use(await peers.mesh.fetch(`${peers.server.origin}/gzip-large`))
    expect(entries()[0]).toMatchObject({ decodedBodySize: 500_000 })
    expect(entries()[0]!.encodedBodySize).toBeLessThan(10_000)
  })
})

test('none for a request that fails, or that is aborted', async () => {
  await peers.mesh.fetch('http://127.0.0.1:2/').catch(() => {})
  await peers.mesh.fetch(`${peers.server.origin}/echo`, { signal: AbortSignal.abort() }).catch(() => {})
  expect(entries()).toEqual([])
})

test('observers hear of it', async () => {
  const seen: string[] = []
  const observer = new PerformanceObserver(list => seen.push(...list.getEntries().map(entry => entry.name)))
  observer.observe({ type: 'resource' })
  await (await peers.mesh.fetch(`${peers.server.origin}/echo`)).json().catch(() => {})
  await expect.poll(() => seen).toEqual([`${peers.server.origin}/echo`])
  observer.disconnect()
})
