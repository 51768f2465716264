package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const completionManual = `nsqmesh completion prints what makes a shell complete commands, options and topics.

usage: nsqmesh completion bash|zsh|fish

    source <(nsqmesh completion bash)
        in ~/.bashrc

    nsqmesh completion zsh > "${fpath[1]}/_nsqmesh"
        once

    nsqmesh completion fish > ~/.config/fish/completions/nsqmesh.fish
        once
`

func completionCommand() cli.Command {
	return cli.Command{Name: "completion", Summary: "make a shell complete commands and options", Run: runCompletion}
}

func runCompletion(args []string, std cli.Stdio) int {
	if len(args) == 1 {
		switch args[0] {
		case "bash":
			completeBash(std.Out, completions())
			return cli.ExitOK
		case "zsh":
			completeZsh(std.Out, completions())
			return cli.ExitOK
		case "fish":
			completeFish(std.Out, completions())
			return cli.ExitOK
		}
		if isHelp(args[0]) {
			fmt.Fprint(std.Out, completionManual)
			return cli.ExitOK
		}
	}
	fmt.Fprint(std.Err, completionManual)
	return cli.ExitUsage
}

// completion is what a shell is told of one command.
type completion struct {
	name, summary string
	flags         []flagHint
	words         []string // that may stand beside the flags
	topics        bool     // topics may stand there
	files         bool     // files may
}

type flagHint struct {
	name, usage string
	takes       string // what its value is; empty for on/off
}

func (h flagHint) topic() bool { return h.takes == "topic" }

func (h flagHint) file() bool { return h.takes == "file" || h.takes == "folder" }

func completions() []completion {
	var all []completion
	var commandNames []string
	for _, c := range commands() {
		one := completion{name: c.Name, summary: c.Summary}
		if c.Flags != nil {
			c.Flags().VisitAll(func(f *flag.Flag) { one.flags = append(one.flags, hintOf(f)) })
		}
		switch c.Name {
		case "tail", "channels", "topics":
			one.topics = true
		case "pub", "config":
			one.files = true
		case "completion":
			one.words = []string{"bash", "zsh", "fish"}
		}
		if c.Name == "config" {
			one.words = []string{"check", "docs"}
		}
		all = append(all, one)
		commandNames = append(commandNames, c.Name)
	}
	return append(all, completion{name: "help", summary: "tell more about a command", words: commandNames})
}

// hintOf knows the values of serve's own types, whose usage has no word in backquotes.
func hintOf(f *flag.Flag) flagHint {
	takes, usage := flag.UnquoteUsage(f)
	if v, ok := f.Value.(cli.Value); ok && !strings.Contains(f.Usage, "`") {
		takes = v.Kind()
	}
	return flagHint{f.Name, usage, takes}
}

func completeBash(w io.Writer, all []completion) {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	fmt.Fprintf(w, `_nsqmesh_topics() { nsqmesh topics --names --http-client-connect-timeout=500ms 2>/dev/null; }

_nsqmesh() {
    local cur=${COMP_WORDS[COMP_CWORD]} flags= words= flag=
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        COMPREPLY=( $(compgen -W "%s" -- "$cur") )
        return
    fi
    # bash takes --topic=x for three words
    if [[ $cur == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]} cur=
    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if [[ $flag == --topic ]]; then
        COMPREPLY=( $(compgen -W "$(_nsqmesh_topics)" -- "$cur") )
        return
    fi
    [[ -n $flag ]] && return # files
    case ${COMP_WORDS[1]} in
`, strings.Join(names, " "))
	for _, c := range all {
		var flags []string
		for _, f := range c.flags {
			flags = append(flags, "--"+f.name+equals(f))
		}
		words := strings.Join(c.words, " ")
		if c.topics {
			words = `$([[ $cur == -* ]] || _nsqmesh_topics)`
		}
		fmt.Fprintf(w, "    %s) flags=\"%s\" words=\"%s\" ;;\n", c.name, strings.Join(flags, " "), words)
	}
	fmt.Fprint(w, `    esac
    [[ $cur == -* ]] && words=$flags
    COMPREPLY=( $(compgen -W "$words" -- "$cur") )
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -o bashdefault -o default -F _nsqmesh nsqmesh
`)
}

func equals(f flagHint) string {
	if f.takes == "" {
		return ""
	}
	return "="
}

func completeZsh(w io.Writer, all []completion) {
	fmt.Fprint(w, `#compdef nsqmesh

_nsqmesh_topics() {
    local -a topics
    topics=( ${(f)"$(nsqmesh topics --names --http-client-connect-timeout=500ms 2>/dev/null)"} )
    compadd -a topics
}

_nsqmesh() {
    local -a commands
    commands=(
`)
	for _, c := range all {
		fmt.Fprintf(w, "        %s\n", quoted(zshText(c.name)+":"+c.summary))
	}
	fmt.Fprint(w, `    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
`)
	for _, c := range all {
		fmt.Fprintf(w, "    %s)\n        _arguments", c.name)
		for _, f := range c.flags {
			fmt.Fprintf(w, " \\\n            %s", quoted(zshFlag(f)))
		}
		fmt.Fprintf(w, " \\\n            %s ;;\n", quoted(zshWords(c)))
	}
	fmt.Fprint(w, `    esac
}

if [[ $funcstack[1] == _nsqmesh ]]; then
    _nsqmesh "$@"
else
    compdef _nsqmesh nsqmesh
fi
`)
}

func zshFlag(f flagHint) string {
	spec := "*--" + f.name + equals(f) + "[" + zshText(f.usage) + "]"
	switch {
	case f.takes == "":
		return spec
	case f.topic():
		return spec + ":topic:_nsqmesh_topics"
	case f.file():
		return spec + ":" + f.takes + ":_files"
	}
	return spec + ":" + zshText(f.takes) + ":"
}

func zshWords(c completion) string {
	switch {
	case c.topics:
		return "*:topic:_nsqmesh_topics"
	case len(c.words) > 0:
		return "*:word:(" + strings.Join(c.words, " ") + ")"
	case c.files:
		return "*:file:_files"
	}
	return "*:argument:"
}

// zshText keeps what means something in a specification from doing so.
func zshText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`).Replace(s)
}

func completeFish(w io.Writer, all []completion) {
	fmt.Fprint(w, `function __nsqmesh_topics
    nsqmesh topics --names --http-client-connect-timeout=500ms 2>/dev/null
end

complete -c nsqmesh -f
`)
	for _, c := range all {
		fmt.Fprintf(w, "complete -c nsqmesh -n __fish_use_subcommand -a %s -d %s\n", c.name, fishQuoted(c.summary))
	}
	for _, c := range all {
		when := "complete -c nsqmesh -n '__fish_seen_subcommand_from " + c.name + "'"
		for _, f := range c.flags {
			fmt.Fprintf(w, "%s -l %s%s -d %s\n", when, f.name, fishValue(f), fishQuoted(f.usage))
		}
		switch {
		case c.topics:
			fmt.Fprintf(w, "%s -a '(__nsqmesh_topics)'\n", when)
		case len(c.words) > 0:
			fmt.Fprintf(w, "%s -a %s\n", when, fishQuoted(strings.Join(slices.Clone(c.words), " ")))
		}
		if c.files {
			fmt.Fprintf(w, "%s -F\n", when)
		}
	}
}

func fishValue(f flagHint) string {
	switch {
	case f.takes == "":
		return ""
	case f.topic():
		return " -x -a '(__nsqmesh_topics)'"
	case f.file():
		return " -r -F"
	}
	return " -x"
}

// quoted is for shells that keep all between single quotes as it is.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fishQuoted is for fish, which takes a backslash for one.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
