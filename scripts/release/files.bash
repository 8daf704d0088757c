#!/usr/bin/env bash
# What the archives and packages of a release hold. scripts/release/build sources it, and
# sets commit and tools.
# shellcheck disable=SC2154

# notices prints the licences of all that is linked into the binary.
notices() {
	local src=$1 module dir file
	echo "h2trace is licensed under the Apache License 2.0, its BPF programs under MIT or GPL-2.0-only."
	echo "It contains what follows, under these licences."
	notice "Go, the runtime and the standard library" "$(go env GOROOT)/LICENSE"
	notice "uPlot, in the page of h2trace report --html" "$src/export/report/page/assets/vendor/LICENSE-uPlot"
	while IFS=$'\t' read -r module dir; do
		for file in "$dir"/LICEN[CS]E* "$dir"/License* "$dir"/COPYING* "$dir"/NOTICE*; do
			if [[ -f $file ]]; then
				notice "$module" "$file"
			fi
		done
	done < <(cd "$src" && go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{"\t"}}{{.Dir}}{{end}}{{end}}' ./cmd/h2trace | sort -u | grep .)
}

notice() {
	printf '\n%s\n%s (%s)\n\n' "$(printf '=%.0s' {1..78})" "$1" "${2##*/}"
	cat -- "$2"
}

# archive makes the tar.gz.
archive() {
	local src=$1 built=$2 man=$3 name=$4 dist=$5 shell
	local to=$built/$name
	install -D -m 755 "$built/h2trace" "$to/h2trace"
	install -D -m 644 -t "$to/man" "$man"/*
	install -d "$to/completions"
	for shell in bash zsh fish; do
		install -m 644 "$src/cmd/h2trace/internal/completion/shells/h2trace.$shell" "$to/completions/"
	done
	install -m 644 "$src/LICENSE" "$src/README.md" "$built/NOTICES" "$src"/scripts/release/h2trace.{service,logrotate} "$to/"
	tar --create --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
		-C "$built" "$name" | gzip -9n >"$dist/$name.tar.gz"
}

# lay lays the files of a package out below a directory.
lay() {
	local format=$1 src=$2 built=$3 man=$4 to=$5 page
	local completions=$src/cmd/h2trace/internal/completion/shells doc=$to/usr/share/doc/h2trace
	install -D -m 755 "$built/h2trace" "$to/usr/bin/h2trace"
	for page in "$man"/*; do
		install -D -m 644 "$page" "$to/usr/share/man/man${page##*.}/${page##*/}"
		gzip -9n "$to/usr/share/man/man${page##*.}/${page##*/}"
	done
	install -D -m 644 "$completions/h2trace.bash" "$to/usr/share/bash-completion/completions/h2trace"
	install -D -m 644 "$completions/h2trace.fish" "$to/usr/share/fish/vendor_completions.d/h2trace.fish"
	install -D -m 644 "$src/README.md" "$doc/README.md"
	install -D -m 644 "$built/NOTICES" "$doc/NOTICES"
	install -D -m 644 "$src/scripts/release/h2trace.service" "$to/usr/lib/systemd/system/h2trace.service"
	install -D -m 644 "$src/scripts/release/h2trace.logrotate" "$to/etc/logrotate.d/h2trace"
	if [[ $format == deb ]]; then
		install -D -m 644 "$completions/h2trace.zsh" "$to/usr/share/zsh/vendor-completions/_h2trace"
		install -m 644 "$src/scripts/release/deb/copyright" "$doc/copyright"
		install -D -m 644 "$src/scripts/release/deb/lintian-overrides" "$to/usr/share/lintian/overrides/h2trace"
		changelog | gzip -9n >"$doc/changelog.gz"
		gzip -9n "$doc/NOTICES"
	else
		install -D -m 644 "$completions/h2trace.zsh" "$to/usr/share/zsh/site-functions/_h2trace"
		install -D -m 644 "$src/LICENSE" "$to/usr/share/licenses/h2trace/LICENSE"
	fi
}

# changelog prints what Debian wants: the version that this is.
changelog() {
	printf 'h2trace (%s) unstable; urgency=medium\n\n  * The commit %s.\n\n -- %s  %s\n' \
		"$VERSION" "$commit" "$MAINTAINER" "$(date -R -d "@$SOURCE_DATE_EPOCH")"
}

# package makes a .deb or an .rpm.
package() {
	local format=$1 src=$2 built=$3 man=$4 dist=$5 file type
	local to=$built/$format
	lay "$format" "$src" "$built" "$man" "$to"
	{
		cat "$src/scripts/release/nfpm.yaml"
		echo 'contents:'
		(cd "$to" && find . -type f -printf '%P\t%m\n' | sort) | while IFS=$'\t' read -r file mode; do
			type=''
			case $file in
			etc/*) type='config|noreplace' ;;
			usr/share/doc/* | usr/share/man/*) [[ $format == rpm ]] && type=doc ;;
			usr/share/licenses/*) type=license ;;
			esac
			printf '  - {src: "%s", dst: "/%s", type: "%s", file_info: {mode: 0%s, owner: root, group: root}}\n' \
				"$to/$file" "$file" "$type" "$mode"
		done
		if [[ $format == rpm ]]; then
			printf '  - {dst: "%s", type: dir, file_info: {mode: 0755}}\n' /usr/share/doc/h2trace /usr/share/licenses/h2trace
		fi
		printf 'scripts: {postinstall: "%s", preremove: "%s", postremove: "%s"}\n' \
			"$src"/scripts/release/service/{postinstall,preremove,postremove}
	} >"$built/nfpm-$format.yaml"
	"$tools/nfpm" package --config "$built/nfpm-$format.yaml" --packager "$format" --target "$dist" >"$built/nfpm.log" 2>&1 ||
		{ cat "$built/nfpm.log" >&2 && return 1; }
}
