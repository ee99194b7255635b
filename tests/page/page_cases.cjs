// The live page in a real browser: what it draws is what the server says, calm and under a flood.
//
//   NODE_PATH=FOLDER/node_modules node page_cases.cjs --plimsoll FILE --browser FILE [PATTERN]
'use strict'

const assert = require('assert/strict')
const { execFileSync } = require('child_process')
const { chosen, sleep, until, Server, work, flood, openBrowser, open, faultless } = require('./kit.cjs')

const MIB = 1 << 20

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
    } finally {
      stop()
    }
    await faultless(page)
  },

  async it_tells_what_comes_and_goes_and_whether_it_grows (server) {
    const page = await open(server)
    const stop = setInterval(() => work(server, 2000).catch(() => {}), 300)
    try {
      const told = (id) => page.evaluate((name) => document.getElementById(`ledger-${name}`).textContent, id)
      await until('a rate of the ledger', async () => /iB\/s$/.test(await told('charged')))
      await until('growth, after ten seconds', async () => /^[▲▼–]/.test(await told('growth')))
      const seen = await page.evaluate(() => ({
        status: structuredClone(known.status), points: known.points.length, rows: rates.numRows(),
        words: document.getElementById('rates-words').textContent
      }))
      assert.ok(seen.status.memory.charged_bytes_per_second > 1024)
      assert.ok(seen.status.accounts.some((account) => account.charged_bytes_per_second > 1024))
      assert.equal(seen.rows, seen.points, 'the second picture has the same seconds')
      assert.match(seen.words, /in and .* out; over the last minute memory (grew|fell|stood)/)
    } finally {
      clearInterval(stop)
    }
    await sleep(1000)
    await faultless(page)
  },

  async it_stands_still_for_who_asked_for_less_motion (server) {
    for (const [reducedMotion, moves] of [['reduce', false], ['no-preference', true]]) {
      const page = await open(server, { reducedMotion })
      const lasts = await page.evaluate(() => getComputedStyle(document.querySelector('.meter i')).transitionDuration)
      assert.equal(lasts !== '0s', moves)
      await faultless(page)
    }
  },

  async a_page_opened_later_has_the_minutes_before (server) {
    await until('three seconds of history', async () => JSON.parse((await server.get('/api/v1/history')).text).points.length >= 3)
    const page = await open(server)
    assert.ok(await page.evaluate(() => known.points.length) >= 3)
    await faultless(page)
  },

  async a_clock_that_is_set_back_does_not_stop_its_timeline (server) {
    const page = await open(server)
    await until('a second of history', () => page.evaluate(() => known.points.length > 0))
    const kept = await page.evaluate(() => {
      const columns = Object.keys(known.points[0]).filter((name) => name !== 'undroppable')
      const rows = (from) => [1, 2, 3].map((second) => columns.map((name) => (name === 'time_ms' ? from + 1000 * second : 1)))
      known.points = []
      for (const from of [9e6, 9e6 + 1000, 5e6, 5e6 + 1000]) addPoints({ columns, points: rows(from) })
      return known.points.map((point) => point.time_ms)
    })
    assert.deepEqual(kept, [5001000, 5002000, 5003000, 5004000])
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

  async it_asks_again_where_something_between_said_no (server) {
    const page = await open(server)
    await page.route('**/api/v1/events', (route) => route.fulfill({ status: 502, body: '' }))
    await page.reload()
    await until('the refusal', () => page.faults.some((fault) => /502/.test(fault)))
    page.faults = page.faults.filter((fault) => !/502/.test(fault))
    assert.equal(await page.evaluate(() => document.body.dataset.drawn), undefined)
    await page.unroute('**/api/v1/events')
    await page.waitForFunction(() => document.body.dataset.drawn)
    page.faults = page.faults.filter((fault) => !/502/.test(fault))
    await faultless(page)
  },

  async it_says_when_nothing_is_held (server) {
    const loose = await new Server('256MiB', '--governor', 'off').ready()
    for (const [asked, off] of [[server, false], [loose, true]]) {
      const page = await open(asked)
      assert.equal(/GOVERNOR IS OFF/.test(await page.locator('#summary').innerText()), off)
      assert.match(await page.locator('#limit-words').innerText(), /^The limit: --line 256MiB/)
      await faultless(page)
    }
    await loose.end()
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
      for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 900 }, narrow: { width: 360, height: 780 } })) {
        const page = await open(server, { colorScheme, viewport })
        await sleep(2500)
        const [width, inner] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth])
        assert.ok(width <= inner, `${name}: ${width} wide on ${inner}`)
        await faultless(page)
      }
    }
  },

  async long_names_of_many_topics_leave_their_figures_in_sight (server) {
    for (let i = 0; i < 12; ++i) {
      execFileSync(chosen.plimsoll, ['topic', 'create', `events.of-a-team-that-likes-long-names.${'and-longer-ones.'.repeat(4)}v${i}`,
        '--kafka', `127.0.0.1:${server.kafka}`])
    }
    for (const width of [1280, 360]) {
      const page = await open(server, { viewport: { width, height: 900 } })
      await until('the topics', () => page.evaluate(() => document.querySelector('.topics') !== null))
      const [held, shown, rows, last] = await page.evaluate(() => {
        const box = document.querySelector('.topics')
        return [box.scrollWidth, box.clientWidth, box.querySelectorAll('tbody th').length, box.innerText.trim().split('\n').pop()]
      })
      assert.ok(held <= shown, `at ${width}: ${held} wide where ${shown} are seen`)
      assert.deepEqual([rows, last], [10, 'and 2 more'])
      await faultless(page)
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
    // What is said aloud changes with what happens, not with each second.
    const aloud = await page.evaluate(() => new Promise((done) => {
      let changes = 0
      for (const part of document.querySelectorAll('[role=status]'))
        new MutationObserver(() => { ++changes }).observe(part, { childList: true, subtree: true, characterData: true })
      setTimeout(() => done(changes), 3500)
    }))
    assert.equal(aloud, 0)
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
  const browser = await openBrowser()
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
