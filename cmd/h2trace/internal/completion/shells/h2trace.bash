# bash completion for h2trace
# In ~/.bashrc: source <(h2trace completion bash)

_h2trace() {
	local program=${COMP_WORDS[0]} breaks=${COMP_WORDBREAKS//[^=:]/}
	local -a words=() at=() # words as h2trace gets them, and where they begin
	local i word glue=
	# bash takes words apart at "=" and ":".
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -z $word && ${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]]; then
			glue=
		fi
		if [[ ${#words[@]} -gt 0 && -n $breaks && ($word == [=:]* || -n $glue) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
			at+=("$i")
		fi
		glue=
		if [[ -n $word && -n $breaks && -z ${word//[=:]/} ]]; then
			glue=1
		fi
	done
	local current=${words[-1]-}
	program=${program/#\~\//$HOME/}
	if ! type -P -- "$program" >/dev/null; then
		program=h2trace
	fi
	local -a lines
	mapfile -t lines < <("$program" __complete "${words[@]}" 2>/dev/null)
	COMPREPLY=()
	if [[ ${#lines[@]} -eq 0 ]]; then
		return
	fi
	local what=${lines[0]%% *} operand=${lines[0]#* } cut=
	if [[ -n $breaks && $current == *[=:]* ]]; then
		cut=${current%"${current##*[=:]}"} # bash has completed that part
	fi
	for word in "${lines[@]:1}"; do
		word=${word%%$'\t'*}
		COMPREPLY+=("${word#"$cut"}")
	done
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace
	fi
	case $what in
	files | dirs)
		local kind=-f
		if [[ $what == dirs ]]; then
			kind=-d
		fi
		compopt -o filenames
		while IFS= read -r word; do
			word=$operand$word
			COMPREPLY+=("${word#"$cut"}")
		done < <(compgen "$kind" -- "${current#"$operand"}")
		;;
	command)
		if ((operand + 1 == ${#words[@]})); then
			while IFS= read -r word; do
				COMPREPLY+=("$word")
			done < <(compgen -c -- "$current")
		elif declare -F _comp_command_offset >/dev/null; then
			_comp_command_offset "${at[operand]}"
		elif declare -F _command_offset >/dev/null; then
			_command_offset "${at[operand]}"
		else
			compopt -o default
		fi
		;;
	esac
}
complete -F _h2trace h2trace
