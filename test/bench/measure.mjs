// What the benchmarks share: rounds in turn, so that a change of the machine's pace touches all subjects alike, and medians of them.

export const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]

/** CPU nanoseconds per call of each async subject: median of interleaved rounds. */
export async function perCall(subjects, { calls = 60_000, rounds = 9 } = {}) {
  const taken = Object.fromEntries(Object.keys(subjects).map(name => [name, []]))
  const round = async subject => {
    const before = process.cpuUsage()
    for (let i = 0; i < calls; i++) await subject()
    const { user, system } = process.cpuUsage(before)
    return ((user + system) * 1000) / calls
  }
  for (const subject of Object.values(subjects)) await round(subject)
  for (let i = 0; i < rounds; i++) for (const [name, subject] of Object.entries(subjects)) taken[name].push(await round(subject))
  return Object.fromEntries(Object.entries(taken).map(([name, values]) => [name, median(values)]))
}

/**
 * Wall nanoseconds of an async call once it is compiled. Of many short rounds a fast one, a fifth from the fastest: a round that shared its
 * core with somebody says nothing about the call.
 */
export async function perCallNs(call, { calls = 2000, rounds = 100, warm = 60_000 } = {}) {
  const round = async n => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < n; i++) await call()
    return Number(process.hrtime.bigint() - start) / n
  }
  await round(warm)
  const taken = []
  for (let i = 0; i < rounds; i++) taken.push(await round(calls))
  return taken.sort((a, b) => a - b)[Math.floor(rounds / 5)]
}

/** Bytes that a compiled async call leaves to the collector. Needs --expose-gc and a young space that holds a round. */
export async function perCallBytes(call, { calls = 1000, rounds = 9, warm = 60_000 } = {}) {
  for (let i = 0; i < warm; i++) await call()
  const taken = []
  for (let i = 0; i < rounds; i++) {
    globalThis.gc()
    const before = process.memoryUsage().heapUsed
    for (let k = 0; k < calls; k++) await call()
    taken.push((process.memoryUsage().heapUsed - before) / calls)
  }
  return median(taken)
}

/** What is in use when all garbage is gone. Needs --expose-gc. */
export async function inUse() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await new Promise(setImmediate)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Bytes that each of 10,000 breakers keeps. */
export async function ofBreakers(make, count = 10_000) {
  for (let i = 0; i < 100; i++) make(i)
  const before = await inUse()
  const made = Array.from({ length: count }, (_, i) => make(i))
  return ((await inUse()) - before) / made.length
}

/** A row of the table of budgets; `holds` only where there is a budget. */
export const row = (what, figure, budget, holds) => ({ what, figure, budget, holds })

const verdict = holds => (holds === undefined ? '' : holds ? 'holds' : 'not yet')

/** Prints rows when a benchmark is run by itself. */
export async function printed(rows, meta) {
  if (process.argv[1] !== new URL(meta.url).pathname) return
  for (const { what, figure, budget, holds } of await rows()) console.log(`| ${what} | ${figure} | ${budget} | ${verdict(holds)} |`)
}
