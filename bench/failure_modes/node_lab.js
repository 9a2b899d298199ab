// The failure-mode lab on Node.js: the same heartbeat, echo service and misbehaviour, written as its manual does.
'use strict';
const net = require('net');
const { performance } = require('perf_hooks');

const [scenario, seconds] = [process.argv[2], Number(process.argv[3])];
const CALM_MS = 500, PERIOD_MS = 500, LONG_MS = 200, SLICE_MS = 0.5, JOB_MS = 0.02, CHAIN_MS = 1000;
const UPDATE_BYTES = 64 << 10, KEPT_BYTES = 16;

function spin(ms) {
  for (const until = performance.now() + ms; performance.now() < until;);
}
function guilty_handler_spins() { spin(LONG_MS); }
function guilty_handler_blocks() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONG_MS); }
function guilty_handler_throws() { throw new RangeError('no such order'); }

// ---- The heartbeat: each beat that was due counts with its own lateness ---------------------------------------
let began, beganNs, due, ends, nextLong;
let idleCalls = 0;
const late = [];

function beat() {
  const now = performance.now();
  for (; due <= now && due <= ends; due += 1) late.push(Number((now - due).toFixed(2)));
  if (now >= ends) finish();
  setTimeout(beat, due - now);
}

function finish() {
  const used = process.cpuUsage();
  const record = {
    late_ms: late,
    began_ns: beganNs,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    cpu_ms: Math.round((used.user + used.system) / 1000),
  };
  if (scenario === 'E2') record.calls = idleCalls;
  if (scenario === 'E9') record.orders = [...orders].sort().map(([order, times]) => `${order} ${times}`).join(', ');
  require('fs').writeSync(1, JSON.stringify(record) + '\n');
  process.exit(0);
}

// ---- The services -----------------------------------------------------------------------------------------
function echo(client) {
  client.setNoDelay(true);
  client.on('data', (piece) => {
    if (piece[0] === 0x3f) guilty_handler_throws();
    client.write(piece);
  });
  client.on('error', () => {});
}

const kept = [];
const work = [];
function serveVictim(client) {
  client.on('error', () => {});
  if (scenario === 'E3') setInterval(() => client.write(Buffer.alloc(UPDATE_BYTES)), 1);
  if (scenario === 'E5') client.on('data', (piece) => kept.push(piece.subarray(0, KEPT_BYTES)));
  if (scenario === 'E10') client.on('data', (piece) => work.push(piece));
}

// ---- Misbehaviour of handlers -------------------------------------------------------------------------------
function runSlices(left) {
  if (left === 0) return;
  spin(SLICE_MS);
  setImmediate(runSlices, left - 1);
}

function takeLong() {
  if (performance.now() < nextLong) return;
  nextLong += PERIOD_MS;
  if (scenario === 'E6') guilty_handler_blocks();
  else if (scenario === 'E1') guilty_handler_spins();
  else runSlices(LONG_MS / SLICE_MS);
}

function requeue(until) {
  spin(JOB_MS);
  if (performance.now() < until) process.nextTick(requeue, until);
}

// Node.js has no watchers of readiness: the nearest is a stream that says 'readable' and is not read.
function watchIdly() {
  const door = net.createServer((from) => from.write('!')).listen(0, '127.0.0.1', () => {
    net.connect(door.address().port, '127.0.0.1').on('readable', () => { idleCalls += 1; });
  });
}

// ---- Order: as lab.hpp says ------------------------------------------------------------------------------------
const orders = new Map();
let round = '';
let rounds = 0;
function note(what) {
  round += what;
  if (round.length < 3) return;
  orders.set(round, (orders.get(round) ?? 0) + 1);
  round = '';
}
const { port1: inbox, port2: outbox } = new MessageChannel();
function ask() {
  if (round) return;
  rounds += 1;
  if (rounds % 2 === 0) spin(1.2);
  setTimeout(note, 0, 't');
  setImmediate(note, 'd');
  outbox.postMessage('p');
}

const echoDoor = net.createServer(echo).listen(0, '127.0.0.1', () => {
  const victimDoor = net.createServer(serveVictim).listen(0, '127.0.0.1', () => {
    console.log(`ports ${echoDoor.address().port} ${victimDoor.address().port}`);
    began = performance.now();
    beganNs = Number(process.hrtime.bigint()); // CLOCK_MONOTONIC
    due = began + 1;
    ends = began + seconds * 1000;
    nextLong = began + CALM_MS;
    beat();
    if (['E1', 'E1y', 'E6'].includes(scenario)) setInterval(takeLong, 1);
    if (scenario === 'E2') setTimeout(watchIdly, CALM_MS);
    if (scenario === 'E4') setTimeout(() => requeue(performance.now() + CHAIN_MS), CALM_MS);
    if (scenario === 'E9') {
      inbox.on('message', note);
      setInterval(ask, 5);
    }
    if (scenario === 'E10') setInterval(() => work.shift(), 1);
  });
});
