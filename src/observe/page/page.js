// The live page: draws /api/topology once and brings it up to date from /api/live, once a second.
'use strict';

const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  // Text is always text: whatever a name or a message holds, it is never markup.
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };

// ---- numbers ----------------------------------------------------------------------------------------------------------
const grouped = new Intl.NumberFormat('en');
function short(n) {
  for (const [size, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (n >= size) { const v = n / (unit === 'k' ? 1e3 : size); return (v >= 100 ? Math.round(v) : v.toFixed(1)) + unit; }
  }
  return grouped.format(Math.round(n));
}
const perSecond = (rate) => (rate > 0 && rate < 10 ? rate.toFixed(1) : short(rate));
function span(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

// ---- state ------------------------------------------------------------------------------------------------------------
const HISTORY = 120; // seconds
const SMOOTH = 5;
let topology = null;
let drawn = new Map();     // by node: what of the drawing changes
let cells = new Map();     // by node: its row of the list
let edges = [];
let history = new Map();   // by node: [{at, in, out}], the newest last
let last = null;           // the last event
let open = null;           // the id of the node in the panel
let failures = {};
let mostRemaining = 0;

/** Records a second between the newest total and that of a few seconds before. */
function rate(id, what, back = 0) {
  const seen = history.get(id) || [];
  const end = seen[seen.length - 1 - back];
  const start = seen[Math.max(0, seen.length - 1 - back - SMOOTH)];
  if (!end || !start || end.at <= start.at || end[what] === undefined) return 0;
  return Math.max(0, (end[what] - (start[what] || 0)) * 1000 / (end.at - start.at));
}
/** What a node is judged by: what goes into it. */
const flow = (id) => rate(id, 'in');

function remember(event) {
  for (const node of topology.nodes) {
    const now = event.nodes[node.id] || {};
    const seen = history.get(node.id) || [];
    const before = seen[seen.length - 1];
    // totals that fall are of a new start
    if (before && (now.in < before.in || now.dead < before.dead)) seen.length = 0;
    seen.push({ at: event.at, in: now.in, out: now.out, dead: now.dead || 0 });
    if (seen.length > HISTORY) seen.shift();
    history.set(node.id, seen);
  }
}

// ---- layout: each sub-topology by itself, in layers from left to right; then their boxes --------------------------------
const W = 178, H = 66, GX = 34, GY = 18, PAD = 16, TITLE = 32, GAP = 40, SPARK = 78;

/** Layers by the longest path from a start; long edges get places to pass through; order by the mean of the neighbours. */
function layered(nodes, links) {
  const items = new Map(nodes.map((node) => [node.id, { id: node.id, layer: 0, next: [], prev: [], h: H }]));
  for (const { from, to } of links) { items.get(from).next.push(to); items.get(to).prev.push(from); }
  for (let round = 0, moved = true; moved && round <= nodes.length; round += 1) {
    moved = false;
    for (const { from, to } of links) {
      const layer = items.get(from).layer + 1;
      if (items.get(to).layer < layer && layer < nodes.length) { items.get(to).layer = layer; moved = true; }
    }
  }
  const routes = links.map(({ from, to }) => {
    const way = [from];
    for (let layer = items.get(from).layer + 1; layer < items.get(to).layer; layer += 1) {
      const id = `${from}>${to}@${layer}`;
      items.set(id, { id, layer, next: [], prev: [], h: 6, passes: true });
      way.push(id);
    }
    way.push(to);
    if (way.length > 2) {
      const swap = (list, old, id) => list.splice(list.indexOf(old), 1, id);
      swap(items.get(from).next, to, way[1]);
      swap(items.get(to).prev, from, way[way.length - 2]);
      for (let i = 1; i < way.length - 1; i += 1) { items.get(way[i]).prev.push(way[i - 1]); items.get(way[i]).next.push(way[i + 1]); }
    }
    return { from, to, way };
  });
  const layers = [];
  for (const item of items.values()) (layers[item.layer] ||= []).push(item);
  for (let i = 0; i < layers.length; i += 1) layers[i] ||= [];
  const place = (layer) => layer.forEach((item, i) => { item.order = i; });
  layers.forEach(place);
  const mean = (item, side, of) => {
    const found = item[side].map((id) => of(items.get(id)));
    return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
  };
  for (let sweep = 0; sweep < 8; sweep += 1) {
    const side = sweep % 2 ? 'next' : 'prev';
    for (const layer of sweep % 2 ? [...layers].reverse() : layers) {
      layer.forEach((item) => { item.wish = mean(item, side, (other) => other.order) ?? item.order; });
      layer.sort((a, b) => a.wish - b.wish || a.order - b.order);
      place(layer);
    }
  }
  // heights: as the neighbours would have it, without meeting each other
  for (const layer of layers) { let y = 0; for (const item of layer) { item.y = y; y += item.h + GY; } }
  const middle = (item) => item.y + item.h / 2;
  for (let sweep = 0; sweep < 12; sweep += 1) {
    for (const layer of sweep % 2 ? [...layers].reverse() : layers) {
      const wishes = layer.map((item) => {
        const both = [mean(item, 'prev', middle), mean(item, 'next', middle)].filter((y) => y !== null);
        return both.length ? both.reduce((a, b) => a + b, 0) / both.length - item.h / 2 : item.y;
      });
      let floor = -Infinity;
      layer.forEach((item, i) => { item.y = Math.max(floor, wishes[i]); floor = item.y + item.h + GY; });
      const off = layer.reduce((sum, item, i) => sum + wishes[i] - item.y, 0) / (layer.length || 1);
      layer.forEach((item) => { item.y += off; });
    }
  }
  const all = [...items.values()];
  const top = Math.min(0, ...all.map((item) => item.y)) || Math.min(...all.map((item) => item.y));
  for (const item of all) { item.y -= top; item.x = item.layer * (W + GX); }
  return { items, routes, w: layers.length * (W + GX) - GX, h: Math.max(...all.map((item) => item.y + item.h)) };
}

/** Where everything is. `stacked`: the boxes below each other, for narrow windows. */
function layout(stacked) {
  const at = new Map(), ways = [], boxes = [];
  const nodes = new Map(topology.nodes.map((node) => [node.id, node]));
  const sub = (id) => nodes.get(id)?.sub;
  const level = topology.subtopologies.map(() => 0);
  for (let round = 0; round < level.length; round += 1) {
    for (const { from, to } of topology.edges) {
      const [a, b] = [sub(from), sub(to)];
      if (a !== undefined && b !== undefined && a !== b) level[b] = Math.max(level[b], Math.min(level[a] + 1, level.length));
    }
  }
  const feeds = topology.nodes.filter((node) => node.kind === 'feed');
  const left = feeds.length ? W + GAP + 10 : 0;
  const columns = new Map();
  topology.subtopologies.forEach((_, i) => {
    const column = stacked ? 0 : level[i];
    columns.set(column, [...(columns.get(column) || []), i]);
  });
  const taken = new Set();
  let x = left, height = 0, width = left;
  for (const column of [...columns.keys()].sort((a, b) => a - b)) {
    let y = 0, wide = 0;
    for (const i of columns.get(column)) {
      const own = topology.nodes.filter((node) => node.sub === i);
      const within = topology.edges.filter((edge) => sub(edge.from) === i && sub(edge.to) === i);
      const block = layered(own, within);
      const box = { i, name: topology.subtopologies[i].name, x, y, w: block.w + 2 * PAD, h: block.h + TITLE + PAD };
      for (const item of block.items.values()) at.set(item.id, { x: x + PAD + item.x, y: y + TITLE + item.y, h: item.h });
      ways.push(...block.routes);
      boxes.push(box);
      // the tables that it looks up stand below it, each below who asks
      const tables = topology.nodes.filter((node) => node.kind === 'table' && !taken.has(node.id)
        && topology.edges.some((edge) => edge.from === node.id && sub(edge.to) === i));
      let from = -Infinity;
      const asks = (table) => at.get(topology.edges.find((edge) => edge.from === table.id && sub(edge.to) === i).to).x;
      const sorted = tables.sort((a, b) => asks(a) - asks(b));
      const share = sorted.length > 1 ? (sorted.length - 1) * (W + GY) / 2 : 0;
      for (const table of sorted) {
        taken.add(table.id);
        const tx = Math.max(from, Math.max(x, asks(table) - share));
        at.set(table.id, { x: tx, y: box.y + box.h + 30, h: H });
        from = tx + W + GY;
        wide = Math.max(wide, from - GY - x);
      }
      wide = Math.max(wide, box.w);
      y = box.y + box.h + (tables.length ? 30 + H : 0) + GAP;
    }
    height = Math.max(height, y - GAP);
    width = Math.max(width, x + wide);
    x += wide + GAP + 14;
  }
  // what nobody here looks up, and feeds beside what they feed
  let loose = 0;
  for (const node of topology.nodes.filter((node) => node.kind === 'table' && !taken.has(node.id))) {
    at.set(node.id, { x: left + loose, y: height + GY, h: H });
    loose += W + GY;
    width = Math.max(width, left + loose);
  }
  if (loose) height += GY + H;
  const wish = (feed) => {
    const found = topology.edges.filter((edge) => edge.from === feed.id).map((edge) => at.get(edge.to)?.y ?? 0);
    return found.length ? found.reduce((a, b) => a + b, 0) / found.length : 0;
  };
  let floor = 0;
  for (const feed of [...feeds].sort((a, b) => wish(a) - wish(b))) {
    const y = Math.max(floor, wish(feed));
    at.set(feed.id, { x: 0, y, h: H });
    floor = y + H + GY;
  }
  height = Math.max(height, floor - GY);
  const known = new Map(ways.map((way) => [`${way.from} ${way.to}`, way.way]));
  return { at, boxes, width, height, way: (edge) => known.get(`${edge.from} ${edge.to}`) || [edge.from, edge.to] };
}

// ---- drawing ----------------------------------------------------------------------------------------------------------
const round = (n) => Math.round(n * 10) / 10;

/** A line through points, with round corners. */
function bent(points) {
  let path = `M${points[0].map(round)}`;
  for (let i = 1; i < points.length; i += 1) {
    const [x, y] = points[i], next = points[i + 1];
    if (!next) { path += `L${round(x)},${round(y)}`; break; }
    const toward = ([a, b], most) => {
      const length = Math.hypot(a - x, b - y) || 1;
      const part = Math.min(most, length / 2) / length;
      return [round(x + (a - x) * part), round(y + (b - y) * part)];
    };
    path += `L${toward(points[i - 1], 12)}Q${[x, y].map(round)} ${toward(next, 12)}`;
  }
  return path;
}

function pathOf(edge, plan) {
  const a = plan.at.get(edge.from), b = plan.at.get(edge.to);
  if (edge.kind === 'lookup') {
    const [x1, y1, x2, y2] = [a.x + W / 2, a.y, b.x + W / 2, b.y + H + 5];
    return `M${x1},${y1}C${x1},${(y1 + y2) / 2} ${x2},${(y1 + y2) / 2} ${x2},${y2}`;
  }
  if (b.x < a.x + W) { // to a box below: around
    const own = plan.boxes.find((box) => a.y >= box.y && a.y < box.y + box.h && a.x >= box.x);
    const [x1, y1, x2, y2] = [a.x + W, a.y + a.h / 2, b.x - 6, b.y + b.h / 2];
    const right = (own ? own.x + own.w : x1) + 9;
    const box = plan.boxes.find((box) => b.y >= box.y && b.y < box.y + box.h);
    const middle = (box ? box.y : y2) - 9;
    const before = (box ? box.x : b.x) - 9;
    return bent([[x1, y1], [right, y1], [right, middle], [before, middle], [before, y2], [x2, y2]]);
  }
  const way = plan.way(edge).map((id) => plan.at.get(id));
  let path = '';
  for (let i = 0; i + 1 < way.length; i += 1) {
    const [p, q] = [way[i], way[i + 1]];
    const [x1, y1, y2] = [p.x + W, p.y + p.h / 2, q.y + q.h / 2];
    const x2 = q.x - (i + 2 === way.length ? 6 : 0);
    const bend = Math.min(60, (x2 - x1) / 2);
    path += `${i ? `L${x1},${round(y1)}` : `M${x1},${round(y1)}`}C${x1 + bend},${round(y1)} ${x2 - bend},${round(y2)} ${x2},${round(y2)}`;
  }
  return path;
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function drawNode(node, place) {
  const parts = {
    spark: svg('path', { class: 'spark', d: '' }),
    rate: svg('text', { class: 'rate still', x: W - 12, y: 38 }),
    note: svg('text', { class: 'note', x: 14, y: 54 }),
    bar: svg('rect', { class: 'bar', x: 14, y: H - 7, height: 3, width: 0, rx: 1.5 }),
    barBack: svg('rect', { class: 'bar-back', x: 14, y: H - 7, height: 3, width: W - 26, rx: 1.5, visibility: 'hidden' }),
    badge: svg('g', { class: 'badge', visibility: 'hidden' }, svg('rect', { rx: 9, height: 18, y: -9 }), svg('text', { y: 3.8 })),
  };
  const show = () => openPanel(node.id);
  parts.g = svg('g', {
    class: `node ${node.kind}${node.runs === false ? ' elsewhere' : ''}`, transform: `translate(${round(place.x)} ${round(place.y)})`,
    tabindex: 0, role: 'button', 'data-id': node.id, onclick: show,
    onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); show(); } },
  },
  svg('title', {}, node.name),
  svg('rect', { class: 'body', width: W, height: H, rx: 10 }),
  parts.spark,
  svg('path', { class: 'stripe', d: `M5,0v${H}h-0a10,10 0 0 1 -5,-9v-${H - 18}a10,10 0 0 1 5,-9z` }),
  svg('text', { class: 'name', x: 14, y: 21 }, cut(node.name, 24)),
  svg('text', { class: 'type', x: 14, y: 38 }, cut(node.type, 16)),
  parts.rate, parts.note, parts.barBack, parts.bar, parts.badge);
  return parts;
}

function draw() {
  const room = $('graph').clientWidth - 40;
  const wide = layout(false);
  // stacked where it would be too small to read; not changed by the panel
  const whole = document.querySelector('.work').clientWidth - 80;
  const stacked = topology.subtopologies.length > 1 && whole / wide.width < 0.75;
  const plan = stacked ? layout(true) : wide;
  const edge = 20;
  const scale = Math.min(1.15, Math.max(window.innerWidth < 640 ? 0.72 : 0.6, room / plan.width));
  const [w, h] = [plan.width + 2 * edge, plan.height + 2 * edge];
  drawn = new Map();
  edges = topology.edges.filter((line) => plan.at.has(line.from) && plan.at.has(line.to)).map((line) => {
    const title = line.topic ? svg('title', {}, line.topic) : null;
    return { line, path: svg('path', { class: `edge ${line.kind}`, d: pathOf(line, plan), 'marker-end': 'url(#tip)' }, title) };
  });
  const nodes = topology.nodes.map((node) => {
    const parts = drawNode(node, plan.at.get(node.id));
    drawn.set(node.id, parts);
    return parts.g;
  });
  const boxes = plan.boxes.map((box) => svg('g', {},
    svg('rect', { class: 'box', x: box.x, y: box.y, width: box.w, height: box.h, rx: 14 }),
    svg('text', { class: 'box-name', x: box.x + PAD, y: box.y + 17 },
      `sub-topology ${box.name}${topology.subtopologies[box.i].runs ? '' : ' · runs elsewhere'}`)));
  const tip = svg('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 2, refY: 4, markerWidth: 8, markerHeight: 8, orient: 'auto', markerUnits: 'userSpaceOnUse' },
    svg('path', { class: 'tip', d: 'M0,0.5L8,4L0,7.5z' }));
  const picture = svg('svg', { width: round(w * scale), height: round(h * scale), viewBox: `${-edge} ${-edge} ${w} ${h}`, role: 'group', 'aria-label': `Topology of ${topology.application}` },
    svg('defs', {}, tip), boxes, edges.map(({ path }) => path), nodes);
  const focused = document.activeElement?.dataset?.id;
  $('graph').replaceChildren(picture);
  if (focused) drawn.get(focused)?.g.focus({ preventScroll: true });
  if (open) drawn.get(open)?.g.classList.add('open');
  if (last) paint();
}

function drawList() {
  $('rows').replaceChildren(...topology.nodes.map((node) => {
    const own = ['in/s', 'out/s', 'in', 'lag', 'dropped', 'dead letters'].map((label) => html('td', { 'data-label': label }));
    cells.set(node.id, own);
    return html('tr', {}, html('th', { scope: 'row', class: node.kind }, html('button', { type: 'button', onclick: () => openPanel(node.id) }, node.name)),
      html('td', {}, node.type), own);
  }));
}

// ---- bringing it up to date -------------------------------------------------------------------------------------------
/** The rate of the last minutes as an area. */
function area(id, width, height, points) {
  const seen = history.get(id) || [];
  const count = Math.min(points, seen.length);
  if (count < 3) return '';
  const rates = Array.from({ length: count }, (_, i) => rate(id, 'in', count - 1 - i));
  const most = Math.max(...rates);
  if (!most) return '';
  const step = width / (points - 1);
  const xy = rates.map((value, i) => `${round(width - (count - 1 - i) * step)},${round(height - value / most * height)}`);
  return `M${round(width - (count - 1) * step)},${round(height)}L${xy.join('L')}L${round(width)},${round(height)}z`;
}

function paintNode(node, most) {
  const parts = drawn.get(node.id);
  const now = last.nodes[node.id] || {};
  const counts = node.kind !== 'table';
  const speed = flow(node.id);
  say(parts.rate, counts ? `${perSecond(speed)}/s` : now.rows === undefined ? '' : `${short(now.rows)} rows`);
  parts.rate.classList.toggle('still', !speed && counts);
  const lag = now.lag;
  const entries = Object.values(now.stores || {}).reduce((sum, n) => sum + n, 0);
  const note = now.down ? cut(now.down, 24) : lag > 0 ? `lag ${short(lag)}` : now.stores ? `${short(entries)} in store` : '';
  say(parts.note, note);
  parts.note.setAttribute('class', `note${now.down ? ' trouble' : lag > 0 ? ' late' : ''}`);
  parts.barBack.setAttribute('visibility', lag > 0 ? 'visible' : 'hidden');
  // the longest bar is a minute's work, or the largest lag of all
  parts.bar.setAttribute('width', lag > 0 ? Math.max(3, (W - 26) * Math.min(1, lag / Math.max(most, speed * 60, 1))) : 0);
  parts.spark.setAttribute('d', area(node.id, SPARK, 20, 60));
  parts.spark.setAttribute('transform', `translate(${W - SPARK - 5} ${H - 21})`);
  parts.g.classList.toggle('down', Boolean(now.down));
  paintBadge(parts.badge, now.dead || 0, node.id);
  const said = [node.name, node.type, counts ? `${perSecond(speed)} records a second` : '', lag > 0 ? `lag ${lag}` : '', now.dead ? `${now.dead} dead letters` : '', now.down || ''];
  parts.g.setAttribute('aria-label', said.filter(Boolean).join(', '));
  if (cells.has(node.id)) {
    const [i, o, total, late, dropped, dead] = cells.get(node.id);
    const cell = (td, text, style) => { say(td, text); td.className = text === '' ? 'none' : style || ''; };
    cell(i, now.in === undefined ? '' : perSecond(speed));
    cell(o, now.out === undefined ? '' : perSecond(rate(node.id, 'out')));
    cell(total, now.in === undefined ? '' : grouped.format(now.in));
    cell(late, lag === undefined ? '' : grouped.format(lag), lag > 0 && 'late');
    cell(dropped, now.dropped ? grouped.format(now.dropped) : '');
    cell(dead, now.dead ? grouped.format(now.dead) : '', 'bad');
  }
}

function paintBadge(badge, dead, id) {
  badge.setAttribute('visibility', dead ? 'visible' : 'hidden');
  if (!dead) return;
  const [box, text] = badge.children;
  const words = short(dead);
  say(text, words);
  const width = Math.max(22, 10 + words.length * 6.6);
  box.setAttribute('width', width);
  box.setAttribute('x', W - width + 6);
  text.setAttribute('x', W - width / 2 + 6);
  const seen = history.get(id) || [];
  badge.classList.toggle('new', seen.length > 1 && dead > seen[seen.length - 2].dead);
}

function paint() {
  const most = Math.max(0, ...topology.nodes.map((node) => last.nodes[node.id]?.lag || 0));
  for (const node of topology.nodes) paintNode(node, most);
  for (const { line, path } of edges) {
    const speed = Math.min(rate(line.from, 'out') || (line.kind === 'lookup' ? flow(line.to) : 0), flow(line.to));
    path.classList.toggle('flows', speed > 0);
    path.style.strokeWidth = speed > 0 ? round(line.kind === 'lookup' ? 1.5 : 1.3 + Math.min(2.4, Math.log10(1 + speed) * 0.7)) : '';
  }
  paintHead();
  if (open) paintPanel();
}

function tile(name, value, unit, bad) {
  return html('div', {}, html('dt', {}, name), html('dd', { class: bad ? 'bad' : null }, value, unit ? html('small', {}, ` ${unit}`) : null));
}

function paintHead() {
  const sum = (kind, what) => topology.nodes.filter((node) => node.kind === kind).reduce((total, node) => total + rate(node.id, what), 0);
  const lags = topology.nodes.map((node) => last.nodes[node.id]?.lag).filter((lag) => lag !== undefined);
  const { running, restoring, standby, workers } = last.tasks;
  const more = [restoring ? `${restoring} restoring` : '', standby ? `${standby} standby` : '', `${workers} worker${workers === 1 ? '' : 's'}`];
  $('tiles').replaceChildren(...[
    tile('in', perSecond(sum('source', 'in')), '/s'),
    tile('out', perSecond(sum('sink', 'out')), '/s'),
    lags.length ? tile('lag', short(lags.reduce((a, b) => a + b, 0)), 'records') : null,
    tile('dead letters', short(last.dead), '', last.dead > 0),
    tile('tasks running', `${running}`, more.filter(Boolean).join(', ')),
  ].filter(Boolean));
  const up = (last.at - topology.started) / 1000;
  say($('about'), `${topology.instance} · ${topology.guarantee} · up ${span(up)}`);
  say($('version'), `millstream ${topology.version}`);
}

// ---- the panel --------------------------------------------------------------------------------------------------------
let opener = null;
function openPanel(id) {
  if (!open) opener = document.activeElement;
  open = id;
  clearTimeout(looking);
  const node = topology.nodes.find((found) => found.id === id);
  $('panel-kind').textContent = node.type === node.kind ? node.kind : `${node.kind} · ${node.type}`;
  $('panel-kind').className = `kind ${node.kind}`;
  $('panel-name').textContent = node.name;
  const topics = (node.topics || []).concat((node.stores || []).map((store) => `${store.changelog} (changelog)`));
  const list = topics.length ? [html('h3', {}, node.topics.length > 1 ? 'topics' : 'topic'), html('ul', { class: 'topics' }, topics.map((topic) => html('li', {}, topic)))] : [];
  $('panel-body').replaceChildren(...[
    node.description ? html('p', { class: 'said' }, node.description) : null,
    html('p', { class: 'trouble', id: 'panel-trouble' }),
    html('h3', {}, 'now'),
    html('dl', { class: 'numbers', id: 'panel-numbers' }),
    node.kind === 'table' ? null : html('h3', {}, 'records a second, the last two minutes'),
    node.kind === 'table' ? null : svg('svg', { class: `history ${node.kind}`, viewBox: '0 0 370 64', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('path', { class: 'spark', id: 'panel-history', d: '' })),
    html('div', { id: 'panel-errors' }),
    topology.samples && ['source', 'processor', 'sink'].includes(node.kind) ? html('div', { id: 'panel-samples' },
      html('button', { type: 'button', id: 'samples', class: 'ask', onclick: lookAtRecords }, 'Show records')) : null,
    ...list,
    node.config ? html('h3', {}, `configuration, ${node.place}`) : null,
    node.config ? html('pre', { tabindex: 0, 'aria-label': 'configuration' }, node.config) : null,
  ].filter(Boolean));
  $('panel').hidden = false;
  draw();
  $('panel').focus({ preventScroll: true });
  askedFor = null;
  if (last) paintPanel();
}

// ---- records that pass, for as long as one looks ------------------------------------------------------------------------
let looking = null;
function lookAtRecords() {
  const id = open;
  clearTimeout(looking);
  get(`/api/samples/${encodeURIComponent(id)}`).then((answer) => (answer.ok ? answer.json() : answer.text().then((why) => ({ why }))))
    .catch(() => ({ why: 'the instance does not answer' }))
    .then((found) => {
      if (open !== id) return;
      const begins = $('samples');
      paintRecords(found);
      if (begins) $('panel-samples').scrollIntoView();
      looking = setTimeout(lookAtRecords, 1000);
    });
}

/** JSON over several lines; whatever was cut, and without changing a number. */
function indented(json) {
  let out = '', depth = 0, inText = false;
  const line = () => `\n${'  '.repeat(Math.max(0, depth))}`;
  for (let i = 0; i < json.length; i += 1) {
    const c = json[i];
    if (inText) {
      out += c;
      if (c === '\\') { i += 1; out += json[i] ?? ''; } else if (c === '"') inText = false;
    } else if (c === '"') { inText = true; out += c; }
    else if ('{['.includes(c)) {
      if ('}]'.includes(json[i + 1])) { out += c + json[i + 1]; i += 1; } else { depth += 1; out += c + line(); }
    } else if ('}]'.includes(c)) { depth -= 1; out += line() + c; }
    else out += c === ',' ? c + line() : c === ':' ? ': ' : c;
  }
  return out;
}

function paintRecords({ records, why }) {
  const shown = $('panel-samples');
  const part = (name, of) => (of ? html('div', {}, html('b', {}, name), ` ${of.text}`, of.note ? html('i', {}, ` ${of.note}`) : null) : null);
  const ago = (at) => (last && last.at - at >= 1500 ? `${span((last.at - at) / 1000)} ago` : 'now');
  shown.replaceChildren(html('h3', {}, 'records that pass, without secrets; before their commit'),
    why ? html('p', { class: 'trouble' }, why)
      : records.length ? html('ul', { class: 'samples' }, records.map((record) => html('li', {},
        html('small', {}, `${record.topic} partition ${record.partition} offset ${record.offset}, ${ago(record.at)}`),
        part('key', record.key), record.headers.map((header) => part(header.name, header)),
        record.value.text ? html('pre', {}, indented(record.value.text)) : null,
        record.value.note ? html('i', {}, record.value.note) : null)))
        : html('p', { class: 'said' }, 'None has passed since you look.'));
}

function closePanel() {
  if (!open) return;
  const id = open;
  open = null;
  clearTimeout(looking);
  $('panel').hidden = true;
  draw();
  // the graph was drawn anew
  const back = opener?.isConnected && opener !== document.body ? opener : drawn.get(id)?.g;
  back?.focus();
}

let askedFor = null;
function paintPanel() {
  const node = topology.nodes.find((found) => found.id === open);
  const now = last.nodes[open] || {};
  const item = (name, value, unit, bad) => html('div', { class: bad ? 'bad' : null }, html('dt', {}, name), html('dd', {}, value, unit ? html('small', {}, ` ${unit}`) : null));
  const number = (name, value, unit, bad) => (value === undefined ? null : item(name, grouped.format(value), unit, bad));
  const sub = node.sub === undefined ? null : topology.subtopologies[node.sub];
  $('panel-numbers').replaceChildren(...[
    now.in === undefined ? null : item('in', `${perSecond(flow(open))}/s`, `${grouped.format(now.in)} in all`),
    now.out === undefined ? null : item('out', `${perSecond(rate(open, 'out'))}/s`, `${grouped.format(now.out)} in all`),
    number('lag', now.lag, 'records'),
    number('unacknowledged', now.unacknowledged, 'messages'),
    number('rows', now.rows),
    number('dead letters', now.dead, '', true),
    number('dropped', now.dropped),
    ...Object.entries(now.counted || {}).map(([what, count]) => number(what.replace(/_/g, ' '), count)),
    ...Object.entries(now.stores || {}).map(([name, entries]) => number(`entries of ${name}`, entries, node.stores?.find((store) => store.name === name)?.kind)),
    sub ? item('sub-topology', sub.name, node.runs === false ? 'runs elsewhere' : '') : null,
  ].filter(Boolean));
  $('panel-trouble').hidden = !now.down;
  say($('panel-trouble'), now.down || '');
  $('panel-history')?.setAttribute('d', area(open, 370, 58, HISTORY));
  $('panel-history')?.setAttribute('transform', 'translate(0 6)');
  // why records fail is asked for only when there are more of them
  const asks = `${open} ${now.dead || 0} ${now.dropped || 0}`;
  if ((now.dead || now.dropped) && asks !== askedFor) {
    askedFor = asks;
    get('/api/failures').then((answer) => answer.json()).then((found) => { failures = found; paintErrors(); }).catch(() => { askedFor = null; });
  }
  paintErrors();
}

function paintErrors() {
  const found = failures[open] || [];
  const shown = $('panel-errors');
  if (!found.length || !last) { shown.replaceChildren(); return; }
  shown.replaceChildren(html('h3', {}, `latest failures; dead letters go to ${topology.dead_letters}`), html('ul', { class: 'errors' }, found.map((failed) => html('li', {},
    html('b', {}, failed.kind), ` ${failed.message}`, failed.detail ? html('code', {}, failed.detail) : null,
    html('small', {}, `${failed.topic} partition ${failed.partition} offset ${failed.offset}, ${last.at - failed.at < 1500 ? 'now' : `${span((last.at - failed.at) / 1000)} ago`}`)))));
}

// ---- the connection ---------------------------------------------------------------------------------------------------
const PATIENCE = 6000; // ms without news
let lostSince = null;
let watchdog = null;

const get = (path, signal) => fetch(path, { signal, cache: 'no-store', credentials: 'same-origin' });

function status(state, text, banner, progress) {
  const shown = $('status');
  shown.dataset.state = state;
  say(shown, text);
  const box = $('banner');
  box.hidden = !banner;
  box.classList.toggle('lost', state === 'lost');
  if (banner && box.dataset.text !== `${banner} ${progress ?? ''}`) {
    box.dataset.text = `${banner} ${progress ?? ''}`;
    box.replaceChildren(banner, ...(progress === undefined ? [] : [html('progress', { max: 1, value: progress, 'aria-label': 'restored' })]));
  }
  document.body.classList.toggle('stale', state === 'lost');
  document.title = `${state === 'ready' ? '' : '⚠ '}${topology?.application || 'millstream'}: ${text}`;
}

function readiness() {
  const { ready, reasons, tasks } = last;
  mostRemaining = tasks.remaining ? Math.max(mostRemaining, tasks.remaining) : 0;
  if (ready) return status('ready', 'ready');
  const progress = mostRemaining ? 1 - tasks.remaining / mostRemaining : undefined;
  status('waiting', 'not ready', `Not ready: ${reasons.join('; ')}`, progress);
}

function lost(why) {
  lostSince ??= new Date();
  const since = lostSince.toLocaleTimeString();
  status('lost', 'disconnected', `Disconnected since ${since}: ${why}. What is shown is old. Trying again.`);
}

function arrived(event) {
  lostSince = null;
  last = event;
  remember(event);
  readiness();
  paint();
}

async function watch() {
  const abort = new AbortController();
  const alive = () => { clearTimeout(watchdog); watchdog = setTimeout(() => abort.abort(), PATIENCE); };
  let why = 'the instance does not answer';
  try {
    alive();
    const answer = await get('/api/topology', abort.signal);
    if (!answer.ok) throw answer;
    const text = await answer.text();
    if (text !== watch.text) show(JSON.parse(text));
    watch.text = text;
    const stream = await get('/api/live', abort.signal);
    if (!stream.ok) throw stream;
    const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { done, value } = await reader.read();
      if (done) break;
      alive();
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      for (const event of events) if (event.startsWith('data: ')) arrived(JSON.parse(event.slice(6)));
    }
    why = 'the instance stopped';
  } catch (problem) {
    if (problem.status === 503) why = 'too many are watching';
    else if (problem.status) why = `the instance answers ${problem.status}`;
    else if (problem instanceof TypeError === false && problem.name !== 'AbortError') console.error(problem);
  }
  clearTimeout(watchdog);
  abort.abort();
  lost(why);
  setTimeout(watch, document.hidden ? 5000 : 1500);
}

function show(found) {
  topology = found;
  const ids = new Set(topology.nodes.map((node) => node.id));
  history = new Map(); // it was started anew, and counts from 0
  last = null;
  failures = {};
  $('application').textContent = topology.application;
  draw();
  drawList();
  if (open && !ids.has(open)) { open = null; $('panel').hidden = true; }
}

// ---- dark and light ---------------------------------------------------------------------------------------------------
const dark = matchMedia('(prefers-color-scheme: dark)');
const stored = () => { try { return localStorage.getItem('theme'); } catch { return null; } };
function theme(chosen) {
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}
theme(stored());
$('theme').addEventListener('click', () => {
  const now = document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light');
  const next = now === 'dark' ? 'light' : 'dark';
  try { localStorage.setItem('theme', next); } catch { /* for this visit only */ }
  theme(next);
});
$('close').addEventListener('click', closePanel);
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') closePanel(); });
let resized = null;
window.addEventListener('resize', () => {
  clearTimeout(resized);
  resized = setTimeout(() => { if (topology) draw(); }, 150);
});
watch();
