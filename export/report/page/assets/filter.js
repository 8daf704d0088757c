"use strict";
// What is shown: the words of the filter, and the chips.

// parseFilter returns the conditions of a text: words that the URL has; -word, that it has not;
// key:value; >100ms.
function parseFilter(text) {
	const f = { words: [], not: [], keys: [], least: 0 };
	for (const word of text.trim().toLowerCase().split(/\s+/)) {
		if (word === "") continue;
		const longer = /^>=?(\d+(?:\.\d+)?)(us|µs|ms|s)?$/.exec(word);
		const key = /^(-?)(status|kind|host|method|conn|pid|error|stream):(.+)$/.exec(word);
		if (longer) f.least = Number(longer[1]) * ({ us: 1, µs: 1, s: 1e6 }[longer[2]] || 1e3);
		else if (key) f.keys.push({ not: key[1] === "-", key: key[2], value: key[3] });
		else if (word.length > 1 && word[0] === "-") f.not.push(word.slice(1));
		else f.words.push(word);
	}
	return f;
}

// valueOf returns what a key of the filter is compared with.
function valueOf(m, i, key) {
	const x = m.exchanges;
	switch (key) {
		case "status":
			return String(x.status[i] || "none");
		case "kind":
			return name(x.kind[i]);
		case "host":
			return name(x.origin[i]);
		case "method":
			return name(x.method[i]);
		case "conn":
			return m.conns[x.conn[i]] ? m.conns[x.conn[i]].id : "";
		case "pid":
			return m.processes[x.process[i]] ? String(m.processes[x.process[i]].pid) : "";
		case "stream":
			return String(x.stream[i]);
		case "error":
			return failure(m, i);
	}
	return "";
}

const exact = new Set(["conn", "pid", "stream", "method"]);

function keyMatches(m, i, k) {
	const value = valueOf(m, i, k.key).toLowerCase();
	let is = exact.has(k.key) ? value === k.value : value.includes(k.value);
	if (k.key === "status") is = k.value.endsWith("xx") ? value[0] === k.value[0] : value.startsWith(k.value);
	return is !== k.not;
}

// exchangeFilter returns whether an exchange is shown.
function exchangeFilter(m, f) {
	return (i) => {
		const x = m.exchanges;
		if (f.critical && !m.critical[i]) return false;
		if (f.failed && !failure(m, i)) return false;
		if (f.stalled && !(x.stalled[i] > 0)) return false;
		if (f.least > 0 && x.total[i] < f.least) return false;
		if (f.words.length + f.not.length > 0) {
			const text = (m.text[i] ||= (name(x.method[i]) + " " + urlOf(m, i)).toLowerCase());
			if (!f.words.every((w) => text.includes(w)) || f.not.some((w) => text.includes(w))) return false;
		}
		return f.keys.every((k) => keyMatches(m, i, k));
	};
}

// isFiltering reports whether a filter hides anything.
const isFiltering = (f) =>
	Boolean(f.critical || f.failed || f.stalled || f.least || f.words.length || f.not.length || f.keys.length);
