"use strict";
// The recorded data, as package page of h2trace describes it (model.go), made quick to look up.

const report = JSON.parse(byId("data").textContent);

// The parts of a path, by place in report.parts.
const partKeys = [
	"vcs",
	"dns",
	"connect",
	"tls",
	"send",
	"stall",
	"wait",
	"receive",
	"stall",
	"process",
	"idle",
];
const phaseParts = [1, 2, 3, 4, 6, 7]; // of the six phases of an exchange
const ofExchange = 1,
	ofConn = 2,
	ofProcess = 3;

// runModel returns a run with indexes.
function runModel(run) {
	const x = run.exchanges,
		m = { ...run, run, count: (x.begin || []).length };
	m.end = Math.max(run.wall, 1);
	m.first = 0;
	for (const c of run.conns) m.first = Math.min(m.first, c.begin);
	m.conns.forEach((c) => (c.exchanges = []));
	m.processes.forEach((p) => ((p.exchanges = []), (p.conns = [])));
	m.orphans = [];
	run.conns.forEach((c, i) => m.processes[c.process] && m.processes[c.process].conns.push(i));
	for (let i = 0; i < m.count; i++) {
		m.first = Math.min(m.first, x.begin[i]);
		m.end = Math.max(m.end, x.begin[i] + Math.max(x.total[i], 0));
		(m.conns[x.conn[i]] || m.processes[x.process[i]] || { exchanges: m.orphans }).exchanges.push(i);
	}
	for (const p of m.processes) p.conns.sort((a, b) => m.conns[a].begin - m.conns[b].begin);
	indexPath(m);
	indexStalls(m);
	m.text = new Array(m.count);
	return m;
}

// indexPath finds the pieces of the critical path by what they are of, and the process that
// works in those that are of nothing.
function indexPath(m) {
	const p = m.path;
	m.pieces = (p.begin || []).length;
	m.piecesOf = new Map();
	m.critical = new Uint8Array(m.count);
	m.worker = new Int32Array(m.pieces);
	let worker = m.processes.findIndex((one) => one.conns.length + one.exchanges.length > 0);
	if (worker < 0) worker = m.processes.length ? 0 : -1;
	for (let i = 0; i < m.pieces; i++) {
		const key = p.of[i] + ":" + p.at[i];
		if (!m.piecesOf.has(key)) m.piecesOf.set(key, []);
		m.piecesOf.get(key).push(i);
		if (p.of[i] === ofExchange) {
			m.critical[p.at[i]] = 1;
			worker = m.exchanges.process[p.at[i]];
		}
		const working = m.processes[worker];
		m.worker[i] = working && working.begin <= p.begin[i] + p.length[i] / 2 ? worker : -1;
	}
}

// indexStalls finds the stalls by connection and stream.
function indexStalls(m) {
	m.stallsOf = new Map();
	for (const s of m.stalls) {
		const key = s.conn + ":" + s.stream;
		if (!m.stallsOf.has(key)) m.stallsOf.set(key, []);
		m.stallsOf.get(key).push(s);
	}
}

const name = (i) => report.names[i] || "";

// urlOf returns the URL of an exchange.
const urlOf = (m, i) => name(m.exchanges.origin[i]) + m.exchanges.path[i];

// failure returns the class of the failure of an exchange, "" without one.
const failure = (m, i) => name(m.exchanges.class[i]);
