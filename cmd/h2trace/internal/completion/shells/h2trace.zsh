#compdef h2trace
# zsh completion for h2trace
# In ~/.zshrc, after compinit: source <(h2trace completion zsh)

_h2trace() {
	local program=${(Q)words[1]}
	program=${~program}
	(( $+commands[$program] )) || [[ -x $program ]] || program=h2trace
	local -a lines
	lines=("${(@f)$($program __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
	local what=${lines[1]%% *} operand=${lines[1]#* } line word help
	local -a found described open
	for line in "${(@)lines[2,-1]}"; do
		word=${line%%$'\t'*}
		if [[ $word == *= ]]; then
			open+=("$word")
		else
			# _describe parts word and help at a colon, and takes backslashes out of both.
			help=${line#*$'\t'}
			described+=("${word//:/\\:}:${help//\\/\\\\}")
		fi
	done
	local fits=1
	(( $#described )) && _describe -t arguments argument described && fits=0
	(( $#open )) && compadd -S '' -a open && fits=0
	case $what in
	files | dirs)
		[[ $operand == *= ]] && compset -P '*='
		if [[ $what == dirs ]]; then
			_files -/ && fits=0
		else
			_files && fits=0
		fi
		;;
	command)
		shift $((operand + 1)) words
		((CURRENT -= operand + 1))
		_normal && fits=0
		;;
	esac
	return $fits
}

# Autoloaded, this file is the function; sourced, it defines it.
if [[ $funcstack[1] == _h2trace ]]; then
	_h2trace "$@"
else
	compdef _h2trace h2trace
fi
