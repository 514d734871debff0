/** Whether counts could have come from given shares, or two counts from one source. A p-value below the level says no. */

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0)

/** The probability of a chi-square at least this large: the regularised upper incomplete gamma function. */
export function chiSquareP(x: number, degrees: number): number {
  if (degrees <= 0 || x <= 0) return 1
  const a = degrees / 2
  const z = x / 2
  const scale = Math.exp(-z + a * Math.log(z) - logGamma(a))
  if (z < a + 1) {
    let term = 1 / a
    let total = term
    for (let n = 1; term > total * 1e-12; n++) total += term *= z / (a + n)
    return 1 - total * scale
  }
  // Continued fraction, by Lentz.
  let b = z + 1 - a
  let c = 1e300
  let d = 1 / b
  let value = d
  for (let i = 1, change = 0; i < 500 && Math.abs(change - 1) > 1e-12; i++) {
    const factor = -i * (i - a)
    b += 2
    d = 1 / (factor * d + b)
    c = b + factor / c
    change = c * d
    value *= change
  }
  return value * scale
}

function logGamma(x: number): number {
  // Stirling's series, after moving the argument up.
  let shift = 0
  let y = x
  for (; y < 8; y++) shift += Math.log(y)
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * y) - 1 / (360 * y ** 3) + 1 / (1260 * y ** 5) - shift
}

/** Counts against shares. Cells too small for chi-square are judged by the exact binomial tail. */
export function fits(counts: Record<string, number>, shares: Record<string, number>): number {
  const n = sum(counts)
  const whole = sum(shares)
  if (Object.entries(counts).some(([k, c]) => c > 0 && !(shares[k]! > 0))) return 0
  let x = 0
  let cells = 0
  let worst = 1
  for (const [k, share] of Object.entries(shares)) {
    const p = share / whole
    const seen = counts[k] ?? 0
    if (p === 0) continue
    if (p === 1) return seen === n ? 1 : 0
    if (n * p < 5 || n * (1 - p) < 5) worst = Math.min(worst, 2 * binomialTail(n, p, seen))
    else {
      x += (seen - n * p) ** 2 / (n * p)
      cells++
    }
  }
  return Math.min(worst, chiSquareP(x, cells - 1))
}

/** The smaller of the two tails at `seen`. */
function binomialTail(n: number, p: number, seen: number): number {
  let log = n * Math.log1p(-p)
  let below = 0
  let above = 0
  for (let k = 0; k <= n; k++) {
    const q = Math.exp(log)
    if (k <= seen) below += q
    if (k >= seen) above += q
    log += Math.log((n - k) / (k + 1)) + Math.log(p / (1 - p))
  }
  return Math.min(below, above, 0.5)
}

/** Two samples against each other; cells with too little in them say nothing. */
export function alike(a: Record<string, number>, b: Record<string, number>): number {
  const na = sum(a)
  const nb = sum(b)
  let x = 0
  let cells = 0
  for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const share = ((a[k] ?? 0) + (b[k] ?? 0)) / (na + nb)
    if (share * Math.min(na, nb) < 5) continue
    x += ((a[k] ?? 0) - share * na) ** 2 / (share * na) + ((b[k] ?? 0) - share * nb) ** 2 / (share * nb)
    cells++
  }
  return chiSquareP(x, cells - 1)
}
