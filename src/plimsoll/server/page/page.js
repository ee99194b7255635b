// The live page: draws what /api/v1/events says once a second. It only reads, and asks nobody but its own server.
'use strict';

const LEVELS = ['normal', 'moderate', 'high', 'critical', 'emergency'];
const WATERMARKS = [0.60, 0.75, 0.90, 0.95];
const KEPT_MS = 15 * 60 * 1000;
const LEAST_SHOWN_MS = 2 * 60 * 1000;
const STALE_MS = 3500;
const ASK_MS = 5000;
const RETRY_MS = 3000;
const WHAT = {
  connections: 'connections at rest, and requests that are not whole yet', http: 'connections of pages like this one',
  sockets: 'buffers of sockets, in the kernel', bodies: 'large values on their way in', output: 'replies that were not read yet',
  idle: 'slabs and buffers that nobody uses now', log: 'partitions and producers of the log', indexes: 'indexes of the log, mapped',
  page_cache: 'what the log needs of the page cache', cache: 'keys and values, and what finds them',
  other: 'held by the process, and charged by nobody', runtime: 'the program itself: its libraries, stacks and start-up',
  disk_level: 'what the level on the disk holds of memory', remote_level: 'what the level elsewhere holds of memory',
};

const byId = (id) => document.getElementById(id);
const create = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const svg = (tag, attributes, ...children) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
// Who listens to the page hears what is written, so the same is not written again.
const say = (id, text) => { if (byId(id).textContent !== text) byId(id).textContent = text; };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// --- numbers in words ---------------------------------------------------------------------------------------

const bytes = (n) => {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= (unit ? 1023.5 : 1024) && unit < units.length - 1) { n /= 1024; ++unit; }
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
};
const count = (n) => Math.round(n).toLocaleString('en');
// A second, as charged, released and growth are told; next to nothing is a dash.
const pace = (n) => (Math.abs(n) < 512 ? '–' : `${bytes(Math.abs(n))}/s`);
const growth = (n) => (n === null ? '…' : Math.abs(n) < 512 ? '–' : `${n < 0 ? '▼' : '▲'} ${pace(n)}`);
const flow = (of) => [growth(of.growth_bytes_per_second), pace(of.charged_bytes_per_second), pace(of.released_bytes_per_second)];
const share = (part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
const clock = (ms) => new Date(ms).toLocaleTimeString([], {hour12: false});
const lasting = (seconds) => {
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = Math.max(0, parts.findIndex(([size]) => seconds >= size));
  if (seconds < 1) return '0 s';
  let rest = Math.floor(seconds);
  return parts.slice(first, first + 2).map(([size, name]) => {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    return whole > 0 ? `${whole} ${name}` : '';
  }).filter(Boolean).join(' ');
};

// --- what is known ------------------------------------------------------------------------------------------

const known = {status: null, before: null, heardAt: 0, points: [], paused: false};

const ordered = (accounts) => {
  const top = accounts.filter((account) => account.parent === null);
  return [...top.filter((account) => account.name !== 'other'), ...top.filter((account) => account.name === 'other')];
};
// A rate a second of a counter, between the last two words of the server.
const rate = (pick) => {
  if (!known.before) return 0;
  const seconds = (known.status.time_ms - known.before.time_ms) / 1000;
  return seconds > 0 ? Math.max(0, pick(known.status) - pick(known.before)) / seconds : 0;
};

// --- header -------------------------------------------------------------------------------------------------

// How far it is to the next level; a level is left some time after its cause.
const nextLevel = ({number, undroppable_ratio: now}) => {
  if (number > 0 && now < WATERMARKS[number - 1]) return `: the level falls when it stays below ${share(WATERMARKS[number - 1])}`;
  return number < WATERMARKS.length ? ` (${LEVELS[number + 1]} from ${share(WATERMARKS[number])})` : '';
};

function drawHeader(status) {
  const {level, memory, governor} = status;
  byId('level').dataset.level = level.number;
  say('level-word', level.name);
  say('summary', `${bytes(memory.charged_bytes)} of ${bytes(memory.line_bytes)} used; ` +
    `${share(level.undroppable_ratio)} of the line cannot be dropped${nextLevel(level)}.` +
    `${governor.on ? '' : ' THE GOVERNOR IS OFF: the line is not held.'}`);
  document.title = `${level.name}: ${bytes(memory.charged_bytes)} – Plimsoll`;
}

function drawFreshness() {
  const silent = Date.now() - known.heardAt;
  const stale = known.heardAt > 0 && silent > STALE_MS && !known.paused;
  document.body.classList.toggle('stale-data', stale);
  byId('fresh').classList.toggle('stale', stale);
  const [word, since] = known.paused ? ['paused', ` at ${clock(known.status ? known.status.time_ms : Date.now())}`]
    : known.heardAt === 0 ? ['connecting', '']
      : stale ? ['▲ stale', `: no word for ${lasting(silent / 1000)}`]
        : ['● live', `, up ${lasting(known.status ? known.status.uptime_seconds : 0)}`];
  say('fresh-word', word);
  say('fresh-since', since);
}

// --- the hull -----------------------------------------------------------------------------------------------

const HULL = {left: 14, right: 236, top: 16, bottom: 330};

function drawHull(status) {
  const {limit_bytes: limit, line_bytes: line, charged_bytes: used} = status.memory;
  const height = HULL.bottom - HULL.top;
  const y = (value) => HULL.bottom - Math.min(1.02, value / limit) * height;
  const {left, right} = HULL;
  const frame = `M${left},${HULL.top} V${HULL.bottom - 26} Q${left},${HULL.bottom} ${left + 40},${HULL.bottom} ` +
    `H${right - 40} Q${right},${HULL.bottom} ${right},${HULL.bottom - 26} V${HULL.top}`;
  const picture = svg('svg', {viewBox: '0 0 354 350'}, svg('defs', {},
    svg('clipPath', {id: 'inside'}, svg('path', {d: `${frame} Z`})),
    svg('pattern', {id: 'hatch', width: 7, height: 7, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)'},
      svg('rect', {width: 3, height: 7, fill: 'var(--card)', 'fill-opacity': 0.55}))));
  const inside = svg('g', {'clip-path': 'url(#inside)'});
  inside.append(svg('rect', {class: 'reserve', x: left, y: HULL.top, width: right - left, height: Math.max(0, y(line) - HULL.top)}));
  const accounts = ordered(status.accounts).map((account, at) => ({...account, at}));
  const stacked = [...accounts.filter((a) => a.kind !== 'droppable'), ...accounts.filter((a) => a.kind === 'droppable')];
  let below = 0;
  for (const account of stacked) {
    if (account.used_bytes === 0) continue;
    const to = y(below + account.used_bytes);
    const box = {x: left, y: to, width: right - left, height: Math.max(0.5, y(below) - to)};
    const band = svg('g', {'data-account': account.name, 'data-bytes': account.used_bytes},
      svg('title', {}, `${account.name}: ${bytes(account.used_bytes)}`), svg('rect', {...box, fill: `var(--a${account.at % 12})`}));
    if (account.kind === 'droppable') band.append(svg('rect', {...box, fill: 'url(#hatch)'}));
    if (box.height > 14)
      band.append(svg('text', {class: 'band-name', x: left + 12, y: to + box.height / 2 + 4}, `${account.name} ${bytes(account.used_bytes)}`));
    inside.append(band);
    below += account.used_bytes;
  }
  picture.append(inside, svg('path', {class: 'frame', d: frame}));
  WATERMARKS.forEach((mark, at) => {
    const place = y(mark * line);
    // The two highest lie close together: their names are set apart.
    const text = place + [4, 4, 10, 1][at];
    picture.append(svg('line', {class: 'water', x1: right - 26, x2: right + 8, y1: place, y2: place}),
      svg('text', {class: 'faint', x: right + 12, y: text}, `${LEVELS[at + 1]}`));
  });
  picture.append(svg('line', {class: 'load-line', x1: 2, x2: right + 10, y1: y(line), y2: y(line)}),
    svg('circle', {class: 'disc', cx: (left + right) / 2, cy: y(line), r: 8}),
    svg('line', {class: 'load-line', x1: (left + right) / 2 - 14, x2: (left + right) / 2 + 14, y1: y(line), y2: y(line)}),
    svg('text', {x: right + 12, y: Math.min(y(line) - 5, y(0.95 * line) - 10)}, `the line ${bytes(line)}`),
    svg('text', {class: 'faint', x: 4, y: 10}, `limit ${bytes(limit)}`));
  const hull = byId('hull');
  hull.replaceChildren(picture);
  hull.dataset.used = below;
  hull.dataset.line = line;
  say('limit-words', `The limit: ${status.memory.limit_words}.`);
  hull.setAttribute('aria-label', `${bytes(used)} of a line of ${bytes(line)} used, ${bytes(status.memory.droppable_bytes)} of it ` +
    `can be dropped at once; the limit is ${bytes(limit)}: ${status.memory.limit_words}. Level ${status.level.name}.`);
}

// --- the ledger ---------------------------------------------------------------------------------------------

function swatch(at, kind) {
  const mark = create('span', {className: kind === 'droppable' ? 'swatch hatched' : 'swatch'});
  mark.style.backgroundColor = `var(--a${at % 12})`;
  return mark;
}

function drawLedger(status) {
  const accounts = ordered(status.accounts);
  const line = status.memory.line_bytes;
  const rows = accounts.map((account, at) => {
    const bar = create('i');
    bar.style.cssText = `width:${100 * account.used_bytes / line}%;background-color:var(--a${at % 12})`;
    if (account.kind === 'droppable') bar.className = 'hatched';
    const name = create('span', {className: 'name', title: WHAT[account.name] || ''}, account.name);
    const row = create('tr', {}, create('th', {scope: 'row'}, swatch(at, account.kind), name),
      create('td', {className: 'n'}, bytes(account.used_bytes)), create('td', {className: 'bar'}, create('div', {className: 'meter'}, bar)),
      create('td', {className: 'n'}, bytes(account.peak_bytes)), ...flow(account).map((text) => create('td', {className: 'n'}, text)),
      create('td', {className: 'n'}, account.guarantee_bytes ? bytes(account.guarantee_bytes) : '–'),
      create('td', {className: 'n'}, account.maximum_bytes === null ? 'the line' : bytes(account.maximum_bytes)),
      create('td', {className: 'n'}, count(account.refused)), create('td', {}, account.kind));
    row.dataset.account = account.name;
    row.dataset.bytes = account.used_bytes;
    return row;
  });
  document.querySelector('#ledger tbody').replaceChildren(...rows);
  const sum = accounts.reduce((all, account) => all + account.used_bytes, 0);
  byId('ledger-sum').textContent = bytes(sum);
  byId('ledger-sum').dataset.bytes = sum;
  byId('ledger-peak').textContent = bytes(status.memory.highest_charged_bytes);
  ['growth', 'charged', 'released'].forEach((what, at) => { byId(`ledger-${what}`).textContent = flow(status.memory)[at]; });
  byId('ledger-rest').textContent = `${bytes(status.memory.free_bytes)} free below the line; ` +
    `${bytes(status.memory.resident_bytes)} resident, of which ${bytes(status.memory.file_bytes)} are mapped files`;
}

// --- what was done ------------------------------------------------------------------------------------------

function drawLog(status) {
  const said = status.events.slice().reverse().map((event) =>
    create('li', {}, create('time', {dateTime: new Date(event.time_ms).toISOString()}, clock(event.time_ms)), event.sentence));
  byId('log').replaceChildren(...(said.length ? said : [create('li', {}, 'Nothing yet: there was no need.')]));
}

// --- fifteen minutes ----------------------------------------------------------------------------------------

let chart = null;
let rates = null;
const MARKS = [['reclaims', '▾'], ['throttles', '‖'], ['rejects', '✕']];

const MARK_WIDTH = 10;  // px: of many in a row some are drawn

function shadeLevels(context, area, graph) {
  const places = known.points.map((point) => ({
    point, from: Math.max(area.x, graph.toDomXCoord(point.time_ms - 1000)), to: Math.min(area.x + area.w, graph.toDomXCoord(point.time_ms)),
  })).filter(({from, to}) => to > from);
  for (const {point, from, to} of places) {
    if (point.level === 0) continue;
    context.fillStyle = colour(`--shade-${LEVELS[point.level]}`);
    context.fillRect(from, area.y, to - from + 0.6, area.h);
  }
  nameLevels(context, area, places);
  const marked = MARKS.map(() => -MARK_WIDTH);
  context.fillStyle = colour('--ink');
  for (const {point, to} of places) {
    MARKS.forEach(([what, glyph], row) => {
      if (point[what] === 0 || to - marked[row] < MARK_WIDTH) return;
      context.fillText(glyph, Math.min(to - 4, area.x + area.w - 9), area.y + area.h - 6 - 11 * row);
      marked[row] = to;
    });
  }
}

// Where a level begins, unless its name would lie on another's: then the worse of them is named.
function nameLevels(context, area, places) {
  const names = [];
  places.forEach(({point, from}, at) => {
    if (point.level === 0 || (at > 0 && places[at - 1].point.level === point.level)) return;
    const width = context.measureText(LEVELS[point.level]).width;
    const name = {level: point.level, x: Math.min(from + 3, area.x + area.w - width - 2), width};
    const last = names[names.length - 1];
    if (!last || name.x > last.x + last.width + 4) names.push(name);
    else if (name.level > last.level) names[names.length - 1] = name;
  });
  context.fillStyle = colour('--ink');
  for (const {level, x} of names) context.fillText(LEVELS[level], x, area.y + 11);
}

const rowsOf = (points) => points.map((p) => [new Date(p.time_ms), p.used, p.undroppable, p.held, p.line]);

function drawTimeline() {
  if (known.points.length < 2) return;
  const to = known.points[known.points.length - 1].time_ms;
  const shown = Math.max(LEAST_SHOWN_MS, to - known.points[0].time_ms);
  const highest = Math.max(...known.points.map((p) => Math.max(p.line, p.used)));
  const options = {
    file: rowsOf(known.points), dateWindow: [to - shown, to], valueRange: [0, highest * 1.08],
    colors: [colour('--a9'), colour('--a3'), colour('--a8'), colour('--ink')],
    axisLineColor: colour('--rule'), gridLineColor: colour('--rule'),
  };
  if (chart) {
    chart.updateOptions(options);
  } else {
    const {file, ...rest} = options;
    chart = new Dygraph(byId('timeline'), file, {
      ...rest, labels: ['time', 'used', 'cannot be dropped', 'held', 'line'], underlayCallback: shadeLevels, connectSeparatedPoints: false,
      legend: 'onmouseover', strokeWidth: 1.5, interactionModel: {}, highlightCircleSize: 3, labelsKMG2: true,
      series: {
        used: {fillGraph: true}, 'cannot be dropped': {fillGraph: true, strokePattern: null, strokeWidth: 2.5},
        held: {strokePattern: [2, 3]}, line: {strokePattern: [8, 4], strokeWidth: 2},
      },
      axes: {
        y: {axisLabelWidth: 66, axisLabelFormatter: (value) => bytes(value), valueFormatter: (value) => bytes(value)},
        x: {axisLabelFormatter: (date) => clock(date), valueFormatter: (ms) => clock(ms)},
      },
    });
  }
  drawRates(options);
  describeTimeline();
}

// What came above, what went below: a memory that stands still may still be busy.
function drawRates({dateWindow, axisLineColor, gridLineColor}) {
  const file = known.points.map((p) => [new Date(p.time_ms), p.charged, -p.released]);
  const options = {file, dateWindow, axisLineColor, gridLineColor, colors: [colour('--a9'), colour('--a3')]};
  if (rates) {
    rates.updateOptions(options);
  } else {
    const each = (value) => (Math.abs(value) < 1 ? '0' : `${bytes(Math.abs(value))}/s`);
    rates = new Dygraph(byId('rates'), file, {
      ...options, labels: ['time', 'charged', 'released'], fillGraph: true, legend: 'onmouseover', strokeWidth: 1, interactionModel: {}, labelsKMG2: true,
      highlightCircleSize: 3, series: {released: {strokePattern: [3, 2]}},
      axes: {
        y: {axisLabelWidth: 66, pixelsPerLabel: 20, axisLabelFormatter: each, valueFormatter: each},
        x: {drawAxis: false, valueFormatter: (ms) => clock(ms)},
      },
    });
  }
  const {memory} = known.status;
  byId('rates-words').textContent = `Above, what was charged; below, dashed, what was released. Lately ${pace(memory.charged_bytes_per_second)} in and ` +
    `${pace(memory.released_bytes_per_second)} out; over the last minute memory ${direction(memory.growth_bytes_per_second)}.`;
}
const direction = (n) => (n === null ? 'has not been watched for long enough to say where it goes' : Math.abs(n) < 512 ? 'stood still' :
  `${n < 0 ? 'fell' : 'grew'} by ${pace(n)}`);

// The same in words, for who does not see the picture.
function describeTimeline() {
  const points = known.points;
  const peak = points.reduce((a, b) => (b.used > a.used ? b : a));
  const sum = (what) => points.reduce((all, point) => all + point[what], 0);
  const worst = Math.max(...points.map((point) => point.level));
  byId('timeline-words').textContent = `In ${lasting(points.length)}: highest ${bytes(peak.used)} at ${clock(peak.time_ms)}, ` +
    `worst level ${LEVELS[worst]}; given back ${count(sum('reclaims'))} times, slowed down ${count(sum('throttles'))}, rejected ${count(sum('rejects'))}.`;
}

function pointOf(columns, row) {
  const point = Object.fromEntries(columns.map((name, at) => [name, row[at]]));
  point.undroppable = Math.max(0, point.used - point.droppable);
  return point;
}

function addPoints(history) {
  const last = known.points.length ? known.points[known.points.length - 1].time_ms : 0;
  const told = history.points.map((row) => pointOf(history.columns, row));
  const setBack = told.length > 0 && told[told.length - 1].time_ms < last;
  if (setBack) known.points = [];  // the server's clock was, and all is told anew
  for (const point of told) if (setBack || point.time_ms > last) known.points.push(point);
  const oldest = known.points.length ? known.points[known.points.length - 1].time_ms - KEPT_MS : 0;
  known.points = known.points.filter((point) => point.time_ms >= oldest);
}

// --- cards --------------------------------------------------------------------------------------------------

const facts = (rows) => create('dl', {}, ...rows.flatMap(([name, value]) => [create('dt', {}, name), create('dd', {}, value)]));
const card = (name, ...children) => document.querySelector(`#${name}-card .body`).replaceChildren(...children);
const slower = {cache: null, pools: null, topics: null};  // asked for every few seconds

function curve(analysis) {
  const width = 300, height = 110, left = 30, bottom = 90;
  const most = analysis.curve[analysis.curve.length - 1].times;
  const x = (times) => left + (width - left - 8) * Math.log2(1 + times) / Math.log2(1 + most);
  const y = (part) => bottom - (bottom - 8) * part;
  const picture = svg('svg', {class: 'curve', viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': `Hit rate by memory: ${analysis.curve.map((p) => `${p.times} times: ${share(p.hit_ratio)}`).join(', ')}`});
  for (const part of [0, 0.5, 1])
    picture.append(svg('line', {x1: left, x2: width - 8, y1: y(part), y2: y(part)}), svg('text', {x: 0, y: y(part) + 4}, `${100 * part} %`));
  for (const times of [0.5, 1, 2, 4, 8])
    if (times <= most) picture.append(svg('text', {x: x(times) - 6, y: height - 6}, times === 1 ? 'now' : `×${times}`));
  picture.append(svg('line', {class: 'now', x1: x(1), x2: x(1), y1: 8, y2: bottom}),
    svg('polyline', {points: analysis.curve.map((p) => `${x(p.times)},${y(p.hit_ratio)}`).join(' ')}));
  return picture;
}

// The level below memory: its state in words and by a shape.
function drawLevel(level) {
  const mark = {open: '●', opening: '◌', failing: '▲'}[level.state] || '';
  const list = facts([
    [`below: ${level.name}`, `${mark} ${level.state}`],
    ['kept there', `${level.stored_bytes ? `${bytes(level.stored_bytes)} of` : 'at most'} ${bytes(level.size_bytes)}`],
    ['went down', count(level.demoted)], ['came back', count(level.promoted)], ['looked for and found', level.promoted + level.absent ? share(level.hit_ratio) : 'not asked yet'],
    ['had no room', count(level.dropped)], ['failures', count(level.failures)]]);
  list.className = 'below';
  list.dataset.state = level.state;
  if (level.last_failure) list.append(create('dt', {}, 'the last one'), create('dd', {}, level.last_failure));
  return list;
}

function drawCache(status) {
  const cache = status.cache;
  const reads = cache.hits + cache.misses;
  const children = [facts([
    ['hit rate', reads ? share(cache.hits / reads) : 'no reads yet'],
    ['reads a second', count(rate((s) => s.cache.hits + s.cache.misses))],
    ['keys', count(cache.items)], ['keys and values', bytes(cache.payload_bytes)], ['evicts by', cache.policy],
    ['evicted a second', count(rate((s) => s.cache.evicted))], ['writes refused', count(cache.refused)]])];
  if (cache.level) children.push(drawLevel(cache.level));
  if (slower.cache && slower.cache.known) children.push(curve(slower.cache));
  for (const line of cache.analysis.advice) children.push(create('p', {className: 'advice'}, line));
  card('cache', ...children);
}

function drawBroker(status) {
  const log = status.log;
  if (!log) {
    card('broker', create('p', {}, 'There is no log: ', create('code', {}, 'plimsoll serve --data-dir FOLDER'), ' keeps one for Kafka’s clients.'));
    return;
  }
  const children = [facts([
    ['in', `${bytes(rate((s) => s.log.appended_bytes))}/s`], ['out', `${bytes(rate((s) => s.log.fetched_bytes))}/s`],
    ['on the disk', `${bytes(log.size_bytes)} in ${count(log.segments)} segments`], ['in the page cache', bytes(log.page_cache_bytes)],
    ['indexes mapped', bytes(log.indexes_mapped_bytes)], ['producers paused', count(log.requests_paused)], ['refused', count(log.produce_refused)]])];
  const topics = slower.topics ? slower.topics.topics.slice(0, 10) : [];
  if (topics.length) {
    const rows = topics.map((t) => create('tr', {}, create('th', {scope: 'row'}, t.name), create('td', {className: 'n'}, count(t.partitions)),
      create('td', {className: 'n'}, count(t.records)), create('td', {className: 'n'}, bytes(t.size_bytes))));
    const rest = slower.topics.count - topics.length;
    if (rest > 0) rows.push(create('tr', {}, create('td', {colSpan: 4}, `and ${count(rest)} more`)));
    children.push(create('div', {className: 'scroll topics'}, create('table', {}, create('thead', {}, create('tr', {}, ...['topic', 'partitions', 'messages', 'size']
      .map((name, at) => create('th', {scope: 'col', className: at ? 'n' : ''}, name)))), create('tbody', {}, ...rows))));
  }
  card('broker', ...children);
}

function drawConnections(status) {
  const c = status.connections;
  card('connections', facts([['RESP', count(c.resp)], ['Kafka', count(c.kafka)], ['HTTP', count(c.http)],
    ['commands a second', count(rate((s) => s.connections.commands))], ['in', `${bytes(rate((s) => s.connections.received_bytes))}/s`],
    ['out', `${bytes(rate((s) => s.connections.sent_bytes))}/s`], ['turned away', count(c.refused)],
    ['closed for not reading', count(c.readers_closed)], ['large values refused', count(c.bodies_refused)]]));
}

const table = (heads, rows) => create('div', {className: 'scroll'}, create('table', {},
  create('thead', {}, create('tr', {}, ...heads.map((name, at) => create('th', {scope: 'col', className: at ? 'n' : ''}, name)))),
  create('tbody', {}, ...rows.map((cells) => create('tr', {}, ...cells.map((cell, at) =>
    at ? create('td', {className: 'n'}, cell) : create('th', {scope: 'row'}, cell)))))));

function drawPools() {
  if (!slower.pools) return;
  const rows = slower.pools.pools.flatMap((pool) => pool.buckets.filter((b) => b.created > 0).map((b) =>
    [pool.name, bytes(b.size_bytes), count(b.existing), share(b.reused / Math.max(1, b.reused + b.created))]));
  card('pools', rows.length ? table(['pool', 'buffers of', 'existing', 'reused'], rows) : create('p', {}, 'No buffer was needed yet.'));
  card('allocators', table(['allocator', 'held', 'given out', 'efficiency', 'fragmentation', 'lost to rounding', 'refused'],
    slower.pools.allocators.map((a) => [a.name, bytes(a.held_bytes), bytes(a.given_out_bytes), ...['efficiency', 'fragmentation', 'rounding']
      .map((what) => (a.held_bytes ? share(a[`${what}_ratio`]) : '–')), count(a.refused)])));
}

// --- the server's words -------------------------------------------------------------------------------------

function draw() {
  if (!known.status) return;
  drawHeader(known.status);
  drawHull(known.status);
  drawLedger(known.status);
  drawLog(known.status);
  drawTimeline();
  drawCache(known.status);
  drawBroker(known.status);
  drawConnections(known.status);
  drawPools();
  document.body.dataset.drawn = known.status.time_ms;
}

function listen() {
  const events = new EventSource('/api/v1/events');
  // A browser asks again by itself, unless something between answered in the server's place.
  events.addEventListener('error', () => { if (events.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS); });
  events.addEventListener('history', (event) => addPoints(JSON.parse(event.data)));
  events.addEventListener('status', (event) => {
    known.heardAt = Date.now();
    if (known.paused) return;
    known.before = known.status;
    known.status = JSON.parse(event.data);
    // Another process answers now: its counters begin anew.
    if (known.before && known.before.process !== known.status.process) known.before = null;
    draw();
    drawFreshness();
  });
}

async function askSlowly() {
  if (document.hidden || known.paused) return;
  for (const name of Object.keys(slower)) {
    try {
      slower[name] = await (await fetch(`/api/v1/${name}`)).json();
    } catch (error) {
      return;  // the server is away: the stale mark says so
    }
  }
}

// --- what a person may change -------------------------------------------------------------------------------

const THEMES = ['auto', 'light', 'dark'];
const remembered = () => { try { return localStorage.getItem('theme'); } catch (error) { return null; } };

function setTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId('theme').textContent = `Theme: ${theme}`;
  try { localStorage.setItem('theme', theme); } catch (error) { /* a private window keeps nothing */ }
  draw();
}
function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || 'auto') + 1) % THEMES.length]);
}
function togglePause() {
  known.paused = !known.paused;
  byId('pause').setAttribute('aria-pressed', String(known.paused));
  byId('pause').textContent = known.paused ? 'Go on' : 'Pause';
  drawFreshness();
}

byId('pause').addEventListener('click', togglePause);
byId('theme').addEventListener('click', nextTheme);
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'p') togglePause();
  if (event.key === 't') nextTheme();
  if (event.key === 'l') byId('log').focus();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
setTheme(THEMES.includes(remembered()) ? remembered() : 'auto');
listen();
askSlowly();
setInterval(askSlowly, ASK_MS);
setInterval(drawFreshness, 500);
