/** A mesh on a virtual clock whose only host is s.test, and a way to ask it that says what came back in one line. */
import { createMesh, outcomeOf } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'

export function meshOf(rules: string, script: Record<string, FakeScript>) {
  const clock = virtualClock()
  const transport = fakeTransport(script, { clock })
  const mesh = createMesh({ rules, clock, transport, random: seededRandom(3) })
  const ask = async (path: string, init?: RequestInit) => {
    const asked = mesh.fetch(`http://s.test${path}`, init)
    asked.catch(() => {})
    await clock.advanceAsync(1)
    const response = await asked
    return `${response.status} ${outcomeOf(response)!.details}`
  }
  return { clock, transport, mesh, ask }
}
