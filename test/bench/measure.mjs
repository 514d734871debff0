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

/** A row of the table of budgets; `holds` only where there is a budget. */
export const row = (what, figure, budget, holds) => ({ what, figure, budget, holds })

const verdict = holds => (holds === undefined ? '' : holds ? 'holds' : 'not yet')

/** Prints rows when a benchmark is run by itself. */
export async function printed(rows, meta) {
  if (process.argv[1] !== new URL(meta.url).pathname) return
  for (const { what, figure, budget, holds } of await rows()) console.log(`| ${what} | ${figure} | ${budget} | ${verdict(holds)} |`)
}
