package redact

import "strings"

// Argument removes secrets from an argument of a command. It removes what Text removes; all after
// "name=" of a secret; the value of a secret header, as in git's "http.extraHeader=Authorization:
// Basic …"; and all of it after a flag such as --password. flag is the argument before it, or "".
func (r *Redactor) Argument(flag, s string) ([]byte, bool) {
	if s == "" {
		return nil, false
	}
	if r.isValue(flag, s) {
		return r.keep(""), true
	}
	n := 0
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	rest := s
	if eq := strings.IndexByte(s, '='); eq > 0 && (eq == n || endsInHeader(s[:eq])) {
		rest = s[eq+1:]
		if endsInHeader(s[:eq]) {
			colon := strings.IndexByte(rest, ':')
			if colon < 0 {
				return r.keep(s[:eq+1]), rest != ""
			}
			return r.keep(s[:eq+1+headerLen(rest, colon)]), true
		}
		if r.secretName(s[:eq]) && rest != "" && !isSwitch(rest) {
			return r.keep(s[:eq+1]), true
		}
	}
	if colon := strings.IndexByte(rest, ':'); colon > 0 && (strings.HasPrefix(rest[colon:], ": ") || isHeaderFlag(flag)) &&
		r.names.header(strings.ToLower(rest[:colon])) == headerSecret && strings.TrimSpace(rest[colon+1:]) != "" {
		return r.keep(s[:len(s)-len(rest)+headerLen(rest, colon)]), true
	}
	return r.Text(s)
}

// isValue reports whether an argument is the secret that the flag before it asks for.
func (r *Redactor) isValue(flag, s string) bool {
	if len(flag) < 2 || flag[0] != '-' || s[0] == '-' || strings.IndexByte(flag, '=') >= 0 {
		return false
	}
	switch flag {
	case "-u", "-U", "--user", "--proxy-user": // of curl; others give numbers
		user, password, found := strings.Cut(s, ":")
		return found && password != "" && strings.Trim(user+password, "0123456789") != "" && !strings.Contains(password, "/")
	}
	return r.secretName(flag) && isFlag(r.name)
}

func (r *Redactor) secretName(name string) bool {
	t := text{r: r, s: name}
	return t.secretName(span{0, len(name)})
}

// endsInHeader reports whether a name is http.extraHeader of git, or http.URL.extraHeader.
func endsInHeader(name string) bool {
	const last = "extraheader"
	return len(name) >= len(last) && strings.EqualFold(name[len(name)-len(last):], last)
}

func isHeaderFlag(flag string) bool { return flag == "-H" || flag == "--header" }

// headerLen returns the length of "name: ", whose ":" is at s[colon].
func headerLen(s string, colon int) int {
	return len(s) - len(strings.TrimLeft(s[colon+1:], " "))
}
