// Chromium, headless, on a page of loopback.
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium']

export const chromium = {
  name: 'Chromium',
  sockets: false,
  async find() {
    const executablePath = PLACES.find(place => place !== undefined && existsSync(place))
    if (executablePath === undefined)
      throw new Error('no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path')
    const { chromium: browsers } = await import('playwright-core')
    const browser = await browsers.launch({ executablePath, args: ['--no-sandbox'] })
    return { browser, version: browser.version() }
  },
  async run({ browser }, { bundle, server, only, report }) {
    const site = http.createServer((request, response) => {
      const script = request.url === '/tests.js'
      response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
      response.end(script ? readFileSync(bundle) : '<!doctype html><title>tests</title>')
    })
    await new Promise(resolve => site.listen(0, '127.0.0.1', resolve))
    try {
      const page = await browser.newPage()
      page.on('pageerror', error =>
        report({ file: '', name: 'an error of the page', state: 'failed', reason: String(error.stack ?? error) }),
      )
      await page.exposeFunction('report', report)
      await page.goto(`http://127.0.0.1:${site.address().port}/`)
      await page.evaluate(
        async ([url, part]) => {
          globalThis.SERVER = url
          await import('/tests.js')
          await globalThis.runTests(result => globalThis.report(result), part)
        },
        [server, only],
      )
    } finally {
      site.close()
      await browser.close()
    }
  },
}
