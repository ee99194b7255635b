// What the page's cases and its pictures share: a server of our own, who talks to it, and a browser that looks.
'use strict'

const assert = require('assert/strict')
const { spawn } = require('child_process')
const fs = require('fs')
const http = require('http')
const net = require('net')
const os = require('os')
const path = require('path')
const { chromium } = require('playwright-core')

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
  constructor (line, ...more) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-page-'))
    this.process = spawn(chosen.plimsoll, ['serve', '--resp-port', '0', '--kafka-port', '0', '--http-port', '0',
      '--line', line, '--data-dir', path.join(this.folder, 'data'), ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.said = ''
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.said += text })
  }

  async ready () {
    await until('the server', () => /^ready\b/m.test(this.said) || this.process.exitCode !== null)
    assert.equal(this.process.exitCode, null, this.said)
    const port = (what) => Number(new RegExp(`^${what}: \\S*:(\\d+)\\s*$`, 'm').exec(this.said)[1])
    this.resp = port('resp')
    this.http = port('http')
    this.kafka = port('kafka')
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
async function flood (server, { idle = 3500, readers = 60, requests = 4000 } = {}) {
  const sockets = []
  const open = (text) => {
    const socket = net.connect(server.resp, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    if (text) socket.write(text)
    sockets.push(socket)
  }
  for (let i = 0; i < readers; ++i) open(command('GET', 'page:1').repeat(requests))
  for (let i = 0; i < idle; ++i) {
    open('')
    if (i % 250 === 0) await sleep(20)
  }
  return () => sockets.forEach((socket) => socket.destroy())
}

// --- the page -----------------------------------------------------------------------------------------------

let browser = null

async function openBrowser () {
  browser = await chromium.launch({ executablePath: chosen.browser, args: ['--no-sandbox', '--disable-gpu'] })
  return browser
}

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

module.exports = { chosen, sleep, until, Server, command, talk, work, flood, openBrowser, open, faultless }
