package manpages

// Subcommand is a subcommand of h2trace, with what it does in a few words.
type Subcommand struct {
	Name    string
	Summary string
}

// Subcommands are in the order of the usage.
var Subcommands = []Subcommand{
	{"top", "show what Go programs request, live"},
	{"proxies", "compare module proxies"},
	{"report", "say where the time went"},
	{"replay", "print recorded events, decode packets"},
	{"convert", "turn events into files for other programs"},
	{"check", "say what this kernel and user allow"},
	{"completion", "complete command lines in a shell"},
	{"version", "print the version"},
	{"help", "print the manual"},
}
