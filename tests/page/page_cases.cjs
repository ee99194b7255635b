// The live page in a real browser: what it draws is what the server says, calm and under a flood.
//
//   NODE_PATH=FOLDER/node_modules node page_cases.cjs --plimsoll FILE --browser FILE [--pictures FOLDER] [PATTERN]
//
// With --pictures it keeps what it saw, light and dark, wide and narrow.
'use strict'

const assert = require('assert/strict')
const { spawn } = require('child_process')
const fs = require('fs')
const http = require('http')
const net = require('net')
const os = require('os')
const path = require('path')
const { chromium } = require('playwright-core')

const MIB = 1 << 20
const PATIENCE_MS = 30000
const chosen = { pattern: '.' }
for (let at = 2; at < process.argv.length; ++at) {
  if (process.argv[at].startsWith('--')) chosen[process.argv[at].slice(2)] = process.argv[++at]
  else chosen.pattern = process.argv[at]
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
async function until(what, probe) {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await probe()
    if (found) return found
    assert.ok(Date.now() < deadline, `${what} did not come in ${PATIENCE_MS / 1000} s`)
    await sleep(100)
  }
}

// --- the server ---------------------------------------------------------------------------------------------

class Server {
  constructor (line) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-page-'))
    this.process = spawn(chosen.plimsoll, ['serve', '--resp-port', '0', '--kafka-port', '0', '--http-port', '0',
      '--line', line, '--data-dir', path.join(this.folder, 'data')], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.said = ''
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.said += text })
  }

  async ready () {
    await until('the server', () => /^ready\b/m.test(this.said) || this.process.exitCode !== null)
    assert.equal(this.process.exitCode, null, this.said)
    const port = (what) => Number(new RegExp(`^${what}: \\S*:(\\d+)\\s*$`, 'm').exec(this.said)[1])
    this.resp = port('resp')
    this.http = port('http')
    return this
  }

  get url () { return `http://127.0.0.1:${this.http}` }

  get (where) {
    return new Promise((done, failed) => {
      http.get(this.url + where, (reply) => {
        let text = ''
        reply.on('data', (more) => { text += more })
        reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text }))
      }).on('error', failed)
    })
  }

  async status () { return JSON.parse((await this.get('/api/v1/status')).text) }

  async end () {
    this.process.kill('SIGCONT')
    this.process.kill('SIGTERM')
    await until('the end of the server', () => this.process.exitCode !== null || this.process.signalCode !== null)
    fs.rmSync(this.folder, { recursive: true })
    assert.equal(this.process.exitCode, 0, this.said)
  }
}

const command = (...words) => `*${words.length}\r\n` + words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')

// Sends all, and waits for so many replies.
function talk (server, commands) {
  return new Promise((done, failed) => {
    const socket = net.connect(server.resp, '127.0.0.1')
    let lines = 0
    socket.on('error', failed)
    socket.on('data', (data) => {
      for (const byte of data) lines += byte === 10 ? 1 : 0
      if (lines >= commands.length) { socket.destroy(); done() }
    })
    socket.write(commands.join(''))
  })
}

async function work (server, count = 20000) {
  const sets = []
  for (let i = 0; i < count; ++i) sets.push(command('SET', `page:${i}`, 'x'.repeat(1000)))
  await talk(server, sets)
}

// Clients that only sit there, and clients that ask and do not read: neither's memory can be dropped.
async function flood (server) {
  const sockets = []
  const open = (text) => {
    const socket = net.connect(server.resp, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    if (text) socket.write(text)
    sockets.push(socket)
  }
  for (let i = 0; i < 60; ++i) open(command('GET', 'page:1').repeat(4000))
  for (let i = 0; i < 3500; ++i) {
    open('')
    if (i % 250 === 0) await sleep(20)
  }
  return () => sockets.forEach((socket) => socket.destroy())
}

// --- the page -----------------------------------------------------------------------------------------------

let browser = null

// Opens the page; what it asks for elsewhere and what it complains of is kept.
async function open (server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  page.faults = []
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) page.faults.push(message.text()) })
  page.on('pageerror', (error) => page.faults.push(String(error)))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(server.url) && !url.startsWith('data:')) page.faults.push(`asked for ${url}`)
  })
  await page.goto(server.url)
  await page.waitForFunction(() => document.body.dataset.drawn)
  return page
}

async function faultless (page) {
  assert.deepEqual(page.faults, [])
  await page.context().close()
}

// What is drawn, taken at one moment.
const drawn = (page) => page.evaluate(() => ({
  level: document.getElementById('level-word').textContent,
  number: Number(document.getElementById('level').dataset.level),
  sum: Number(document.getElementById('ledger-sum').dataset.bytes),
  rows: [...document.querySelectorAll('#ledger tbody tr')].map((row) => ({ name: row.dataset.account, bytes: Number(row.dataset.bytes) })),
  hull: Number(document.getElementById('hull').dataset.used),
  line: Number(document.getElementById('hull').dataset.line),
  bands: Object.fromEntries([...document.querySelectorAll('#hull [data-account]')].map((band) =>
    [band.dataset.account, { bytes: Number(band.dataset.bytes), height: band.querySelector('rect').getBBox().height }])),
  status: structuredClone(known.status),
  log: [...document.querySelectorAll('#log li')].map((line) => line.textContent)
}))

function matches (seen) {
  const top = seen.status.accounts.filter((account) => account.parent === null)
  assert.equal(seen.level, seen.status.level.name)
  assert.equal(seen.number, seen.status.level.number)
  assert.equal(seen.sum, seen.status.memory.charged_bytes, 'the ledger sums to what is used')
  assert.equal(seen.hull, seen.status.memory.charged_bytes, 'so does the hull')
  assert.equal(seen.line, seen.status.memory.line_bytes)
  assert.equal(seen.rows.length, top.length)
  assert.equal(seen.rows[seen.rows.length - 1].name, 'other')
  for (const account of top) {
    assert.equal(seen.rows.find((row) => row.name === account.name).bytes, account.used_bytes, account.name)
    if (account.used_bytes > 0) assert.equal(seen.bands[account.name].bytes, account.used_bytes, account.name)
  }
}

async function picture (page, name) {
  if (chosen.pictures) await page.screenshot({ path: path.join(chosen.pictures, `${name}.png`), fullPage: true })
}

// --- cases --------------------------------------------------------------------------------------------------

const cases = {
  async the_page_is_one_answer_that_asks_for_nothing (server) {
    const page = await server.get('/')
    assert.equal(page.status, 200)
    assert.match(page.headers['content-type'], /^text\/html/)
    assert.match(page.headers['content-security-policy'], /default-src 'none'/)
    assert.doesNotMatch(page.text, /(src|href)="?(https?:)?\/\//, 'something is to be loaded from elsewhere')
    assert.match(page.text, /Dygraph/)
  },

  async it_draws_what_the_server_says (server) {
    await work(server)
    const page = await open(server)
    await until('the cache in the hull', async () => (await drawn(page)).bands.cache?.bytes > 20 * MIB)
    const seen = await drawn(page)
    matches(seen)
    assert.equal(seen.level, 'normal')
    assert.ok(Math.abs(seen.bands.cache.height / (330 - 16) - seen.bands.cache.bytes / seen.status.memory.limit_bytes) < 0.01,
      'a band is as high as its share of the limit')
    const now = await server.status()
    assert.ok(Math.abs(seen.sum - now.memory.charged_bytes) < MIB, 'and it is what the server says beside')
    await until('two seconds of the timeline', () => page.evaluate(() => chart !== null && chart.numRows() >= 2))
    assert.match(await page.locator('#cache-card').innerText(), /keys\s+20,0/)
    await faultless(page)
  },

  async a_flood_raises_its_level_and_it_says_what_was_done (server) {
    await work(server)
    const page = await open(server)
    const stop = await flood(server)
    try {
      await until('a level above normal', async () => (await drawn(page)).number > 0)
      const seen = await drawn(page)
      matches(seen)
      assert.ok(seen.log.some((line) => /the level rose/.test(line)), seen.log.join('\n'))
      assert.match(await page.title(), new RegExp(`^${seen.level}`))
      await until('the level in the timeline', () => page.evaluate(() => known.points.some((point) => point.level > 0)))
      await picture(page, 'flood-wide-light')
      await page.emulateMedia({ colorScheme: 'dark' })
      await sleep(1200)
      await picture(page, 'flood-wide-dark')
      await page.setViewportSize({ width: 390, height: 844 })
      await sleep(1200)
      await picture(page, 'flood-narrow-dark')
    } finally {
      stop()
    }
    await faultless(page)
  },

  async a_page_opened_later_has_the_minutes_before (server) {
    await until('three seconds of history', async () => JSON.parse((await server.get('/api/v1/history')).text).points.length >= 3)
    const page = await open(server)
    assert.ok(await page.evaluate(() => known.points.length) >= 3)
    await faultless(page)
  },

  async a_server_that_is_silent_is_marked_stale (server) {
    const page = await open(server)
    const fresh = page.locator('#fresh')
    assert.match(await fresh.innerText(), /live/)
    server.process.kill('SIGSTOP')
    await until('the stale mark', async () => /stale/.test(await fresh.innerText()))
    server.process.kill('SIGCONT')
    await until('a fresh one', async () => /live/.test(await fresh.innerText()))
    await faultless(page)
  },

  async keys_pause_it_and_change_its_theme (server) {
    const page = await open(server, { colorScheme: 'light' })
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await paper()
    await page.keyboard.press('t')
    assert.equal(await paper(), light)
    await page.keyboard.press('t')
    assert.notEqual(await paper(), light, 'dark')
    await page.reload()
    await page.waitForFunction(() => document.body.dataset.drawn)
    assert.notEqual(await paper(), light, 'it is remembered')
    await page.keyboard.press('p')
    const before = await page.evaluate(() => document.body.dataset.drawn)
    await sleep(2500)
    assert.equal(await page.evaluate(() => document.body.dataset.drawn), before)
    assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true')
    await page.keyboard.press('p')
    await until('it goes on', async () => await page.evaluate(() => document.body.dataset.drawn) !== before)
    await page.keyboard.press('l')
    assert.equal(await page.evaluate(() => document.activeElement.id), 'log')
    await faultless(page)
  },

  async it_fits_a_phone_and_follows_the_system (server) {
    await work(server)
    for (const colorScheme of ['light', 'dark']) {
      for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } })) {
        const page = await open(server, { colorScheme, viewport })
        await sleep(2500)
        const [width, inner] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth])
        assert.ok(width <= inner, `${name}: ${width} wide on ${inner}`)
        await picture(page, `calm-${name}-${colorScheme}`)
        await faultless(page)
      }
    }
  },

  async it_is_read_without_colour_and_without_eyes (server) {
    const page = await open(server)
    const words = await page.evaluate(() => ({
      hull: document.getElementById('hull').getAttribute('aria-label'),
      level: document.getElementById('level').innerText,
      buttons: [...document.querySelectorAll('button')].every((button) => button.innerText.trim() !== ''),
      heads: [...document.querySelectorAll('th')].every((head) => head.hasAttribute('scope'))
    }))
    assert.match(words.hull, /of a line of .* used, .* can be dropped at once; the limit is/)
    assert.match(words.level, /normal/)
    assert.ok(words.buttons && words.heads)
    await faultless(page)
  },

  async many_who_listen_are_let_go_when_the_server_ends (server) {
    const pages = []
    for (let i = 0; i < 4; ++i) pages.push(await open(server))
    const begun = Date.now()
    await server.end()
    assert.ok(Date.now() - begun < 5000, 'the server waited for its listeners')
    for (const page of pages) await page.context().close()
    return 'ended'
  }
}

async function main () {
  browser = await chromium.launch({ executablePath: chosen.browser, args: ['--no-sandbox', '--disable-gpu'] })
  let failed = 0
  for (const [name, run] of Object.entries(cases)) {
    if (!new RegExp(chosen.pattern).test(name)) continue
    const begun = Date.now()
    const server = new Server(/flood/.test(name) ? '64MiB' : '256MiB')
    try {
      await server.ready()
      const how = await run(server)
      if (how !== 'ended') await server.end()
      console.log(`ok      ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
    } catch (fault) {
      ++failed
      console.log(`FAILED  ${name}: ${fault.stack}`)
      server.process.kill('SIGKILL')
    }
  }
  await browser.close()
  process.exitCode = failed ? 1 : 0
}

main()
