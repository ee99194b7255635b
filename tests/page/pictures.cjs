// Pictures of the live page for the documents: calm and under a flood, light and dark, wide and narrow.
//
//   ./dev pictures [SECONDS]     makes those in docs/pictures anew (200 s of load before the first)
//   NODE_PATH=FOLDER/node_modules node pictures.cjs --plimsoll FILE --browser FILE --to FOLDER [--seconds N]
'use strict'

const { spawn } = require('child_process')
const fs = require('fs')
const net = require('net')
const path = require('path')
const { chosen, sleep, until, Server, command, talk, flood, openBrowser, open, faultless } = require('./kit.cjs')
const { smaller } = require('./palette.cjs')

const VIEWS = {
  wide: { viewport: { width: 1280, height: 1020 } },
  narrow: { viewport: { width: 360, height: 1500 } }
}

// --- a load that changes ------------------------------------------------------------------------------------

// Few keys are asked for often and many seldom; a second wave brings keys that nobody asks for again.
function keyOf (second) {
  if (second % 60 > 45 && Math.random() < 0.3) return `scan:${Math.floor(Math.random() * 1e7)}`
  return `item:${Math.floor(150000 * Math.random() ** 3)}`
}

// Reads, and writes what was not there, at a rate that rises and falls.
function readThrough (server) {
  const socket = net.connect(server.resp, '127.0.0.1')
  const begun = Date.now()
  let asked = []
  let text = ''
  socket.setEncoding('latin1')
  socket.on('error', () => {})
  socket.on('data', (more) => {
    text += more
    let at = 0
    for (;;) {
      const end = text.indexOf('\r\n', at)
      if (end < 0) break
      const length = text[at] === '$' ? Number(text.slice(at + 1, end)) : -2
      if (length >= 0 && text.length < end + 4 + length) break
      const key = asked.shift()
      if (length === -1) {
        socket.write(command('SET', key, 'v'.repeat(300 + Math.floor(3000 * Math.random()))))
        asked.push(null)
      }
      at = length >= 0 ? end + 4 + length : end + 2
    }
    text = text.slice(at)
  })
  const timer = setInterval(() => {
    const second = (Date.now() - begun) / 1000
    if (asked.length > 3000) return
    const keys = Array.from({ length: Math.round(220 + 160 * Math.sin(second / 11)) }, () => keyOf(second))
    asked = asked.concat(keys)
    socket.write(keys.map((key) => command('GET', key)).join(''))
  }, 50)
  return () => { clearInterval(timer); socket.destroy() }
}

// Three topics, written to and read from by a client that is not ours.
function topics (server) {
  const broker = ['-b', `127.0.0.1:${server.kafka}`]
  const ended = []
  for (const [name, lines] of Object.entries({ orders: 400, clicks: 900, measurements: 150 })) {
    const producer = spawn('kcat', [...broker, '-P', '-q', '-t', name], { stdio: ['pipe', 'ignore', 'ignore'] })
    producer.on('error', () => {})
    producer.stdin.on('error', () => {})
    const timer = setInterval(() => producer.stdin.write(`${name} ${'x'.repeat(500)}\n`.repeat(lines / 4)), 250)
    ended.push(() => { clearInterval(timer); producer.stdin.destroy(); producer.kill() })
    const reader = setTimeout(() => {
      const consumer = spawn('kcat', [...broker, '-C', '-q', '-t', name], { stdio: 'ignore' })
      consumer.on('error', () => {})
      ended.push(() => consumer.kill())
    }, 5000)
    ended.push(() => clearTimeout(reader))
  }
  return () => ended.forEach((end) => end())
}

// Now and then some clients ask for more than they read, and are gone again.
function bursts (server) {
  let stop = () => {}
  const timer = setInterval(async () => {
    await talk(server, [command('SET', 'page:1', 'x'.repeat(1000))])
    const end = await flood(server, { idle: 200, readers: 12, requests: 2500 })
    stop = end
    setTimeout(end, 9000)
  }, 37000)
  return () => { clearInterval(timer); stop() }
}

// --- pictures -----------------------------------------------------------------------------------------------

async function take (pages, what) {
  for (const [name, page] of Object.entries(pages)) {
    const file = path.join(chosen.to, `${what}-${name}.png`)
    fs.writeFileSync(file, smaller(await page.screenshot()))
    console.log(`${file}: ${Math.round(fs.statSync(file).size / 1024)} KiB, ${await page.title()}`)
  }
}

async function main () {
  fs.mkdirSync(chosen.to, { recursive: true })
  const browser = await openBrowser()
  const server = await new Server('96MiB', '--policy', 'adaptive').ready()
  process.on('exit', () => server.process.kill('SIGKILL'))  // whatever went wrong
  const ends = [readThrough(server), readThrough(server), topics(server), bursts(server)]
  await sleep(1000 * Number(chosen.seconds || 200))
  const pages = {}
  for (const [width, view] of Object.entries(VIEWS)) {
    for (const colorScheme of ['light', 'dark']) pages[`${width}-${colorScheme}`] = await open(server, { colorScheme, ...view })
  }
  await until('a calm moment', async () => (await server.status()).level.number === 0)
  await sleep(7000)  // rates, and what is asked for slowly
  await take(pages, 'calm')
  await talk(server, [command('SET', 'page:1', 'x'.repeat(1000))])
  ends.push(await flood(server, { idle: 5000, readers: 90 }))
  await until('a level above normal', async () => (await server.status()).level.number > 0)
  for (let wave = 0; wave < 4; ++wave) {
    await sleep(6000)
    ends.push(await flood(server, { idle: 0, readers: 90 }))
  }
  await sleep(2500)
  await take(pages, 'flood')
  ends.forEach((end) => end())
  for (const page of Object.values(pages)) await faultless(page)
  await browser.close()
  await server.end()
}

main()
