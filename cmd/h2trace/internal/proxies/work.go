package proxies

import (
	"strconv"

	"golang.org/x/mod/module"
)

// atOnce is a shell script: "atOnce N DIR COMMAND [ARG...]" runs the command N times at once,
// each with a module cache of its own below DIR, and fails if one of them does.
const atOnce = `
n=$1 dir=$2 pids= status=0
shift 2
while [ "$n" -gt 0 ]; do
	GOMODCACHE=$dir/cache$n "$@" &
	pids="$pids $!" n=$((n - 1))
done
for pid in $pids; do wait "$pid" || status=1; done
exit $status`

// downloads is the work of downloading modules, several times at once.
func downloads(goCommand string, list []module.Version, jobs int) work {
	argv := []string{goCommand, "mod", "download"}
	for _, m := range list {
		argv = append(argv, m.Path+"@"+m.Version)
	}
	return work{argv: func(dir string) ([]string, error) {
		if jobs == 1 {
			return argv, nil
		}
		return append([]string{"sh", "-c", atOnce, "sh", strconv.Itoa(jobs), dir}, argv...), nil
	}}
}
