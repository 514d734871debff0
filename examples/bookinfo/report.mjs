// The report of a run: one HTML file that needs nothing else, with the requests over time, their latencies and what happened to endpoints.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const escaped = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`)
const COLOURS = { v1: '#4c78a8', v2: '#f58518', v3: '#54a24b', '-': '#bab0ac' }

export function writeReport({ steps, events, series }) {
  const end = Math.max(1, ...steps.map(s => s.to))
  const width = 1000
  const x = ms => ((ms / end) * width).toFixed(1)
  const bins = 100
  const versions = [...new Set(series.map(s => s.version))].sort()
  const counts = Array.from({ length: bins }, () => ({}))
  for (const s of series) {
    const bin = counts[Math.min(bins - 1, Math.floor((s.ms / end) * bins))]
    bin[s.version] = (bin[s.version] ?? 0) + 1
  }
  const most = Math.max(1, ...counts.map(c => Object.values(c).reduce((a, b) => a + b, 0)))
  const bars = counts
    .map((c, i) => {
      let y = 200
      return versions
        .filter(v => c[v])
        .map(v => {
          const h = (c[v] / most) * 190
          y -= h
          return `<rect x="${(i * width) / bins}" y="${y.toFixed(1)}" width="${width / bins - 1}" height="${h.toFixed(1)}" fill="${COLOURS[v] ?? '#b279a2'}"/>`
        })
        .join('')
    })
    .join('')
  const slowest = Math.max(1, ...series.map(s => s.took))
  const dots = series
    .map(
      s =>
        `<circle cx="${x(s.ms)}" cy="${(195 - (Math.log1p(s.took) / Math.log1p(slowest)) * 185).toFixed(1)}" r="1.6" fill="${s.status >= 500 ? '#e45756' : (COLOURS[s.version] ?? '#b279a2')}"/>`,
    )
    .join('')
  const marks = events
    .map(
      e =>
        `<line x1="${x(e.ms)}" x2="${x(e.ms)}" y1="0" y2="200" stroke="${e.what.startsWith('ejected') ? '#e45756' : '#54a24b'}"><title>${escaped(e.what)}</title></line>`,
    )
    .join('')
  const lanes = steps
    .map(
      (s, i) =>
        `<rect x="${x(s.from)}" y="${i * 18}" width="${Math.max(2, ((s.to - s.from) / end) * width).toFixed(1)}" height="14" fill="${s.ok ? '#54a24b' : '#e45756'}"/><text x="${x(s.from)}" y="${i * 18 + 11}" font-size="10" dx="4">${escaped(s.title)}</text>`,
    )
    .join('')
  const plot = (title, height, content) =>
    `<h2>${title}</h2><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${content}</svg>`
  const rows = steps
    .map(
      s =>
        `<tr><td>${s.ok ? '✓' : '✗'}</td><td>${escaped(s.title)}</td><td>${escaped(s.expected)}</td><td>${escaped(s.saw)}</td><td>${((s.to - s.from) / 1000).toFixed(1)} s</td></tr>`,
    )
    .join('')
  const html = `<!doctype html><meta charset="utf-8"><title>meshless: bookinfo</title><style>body{font:15px system-ui;max-width:1040px;margin:2em auto;padding:0 1em}svg{width:100%;background:#fafafa;border:1px solid #ddd}td,th{padding:.3em .6em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}i{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}</style>
<h1>bookinfo under Istio rules, without a sidecar</h1><p>${series.length} requests in ${(end / 1000).toFixed(1)} s.</p>
<p>${versions.map(v => `<i style="background:${COLOURS[v] ?? '#b279a2'}"></i>${escaped(v === '-' ? 'answered without an upstream' : v)}`).join('')}</p>
${plot('Requests by version over time', 200, bars)}${plot('Latency of each request (log scale), ejections (red) and returns (green)', 200, marks + dots)}${plot('Steps', steps.length * 18, lanes)}
<h2>Expected and seen</h2><table><tr><th></th><th>step</th><th>expected</th><th>saw</th><th>took</th></tr>${rows}</table>`
  const place = path.resolve('report', 'bookinfo.html')
  mkdirSync(path.dirname(place), { recursive: true })
  writeFileSync(place, html)
  return place
}
