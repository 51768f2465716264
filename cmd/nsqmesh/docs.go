package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// printDocs writes docs/configuration.md; a test compares the two.
func printDocs(w io.Writer) {
	fmt.Fprint(w, docsIntro)
	for _, t := range themes() {
		fmt.Fprintf(w, "\n## %s\n\n| flag | config key | value | default | meaning |\n|---|---|---|---|---|\n", t.title)
		for _, o := range t.options {
			fmt.Fprintf(w, "| `--%s` | %s | %s | %s | %s |\n", o.name, docsKey(o), cell(docsKind(o)), docsDefault(o), cell(docsMeaning(o)))
		}
	}
}

const docsIntro = `# Configuration

<!-- Written by "nsqmesh config docs". Change the table in cmd/nsqmesh/options_*.go, then run it again. -->

` + "`nsqmesh serve`" + ` takes every option of stock nsqd by its stock name, with the stock meaning and default, and those of
nsqlookupd that do not clash. Rows marked *nsqmesh* have no counterpart there.

| source | how | |
|---|---|---|
| command line | ` + "`--max-msg-size=1000`, `-max-msg-size 1000`" + ` | wins over all others |
| environment | ` + "`NSQMESH_MAX_MSG_SIZE=1000`" + `, lists with commas | wins over the file |
| config file | ` + "`max_msg_size = 1000`" + ` in the TOML file that ` + "`--config` or `NSQMESH_CONFIG`" + ` names | wins over defaults |

* On/off options stand alone (` + "`--snappy`) or take their value with an equals sign (`--snappy=false`" + `).
* Times need a unit (` + "`500ms`, `90s`, `1h30m`" + `); in the file a bare number is milliseconds, as for stock nsqd.
* Lists: repeat the flag; in the file an array, or one string with commas.
* An empty address turns a listener off. Port 0 takes a free port; the bound addresses are in the log.
* A key of the file that resembles a known one is a typing error and refused, with all others of the file. A key that
  resembles none is warned about and has no effect. ` + "`nsqmesh config check FILE`" + ` refuses both.
* Where a value makes stock nsqd panic or misread it (an integer for an on/off option, a zero ` + "`sync-timeout`" + `), it is
  refused with a clear error.
* ` + "`GET /config/KEY`" + ` shows a value; ` + "`PUT`" + ` changes ` + "`log_level` and `nsqlookupd_tcp_addresses`" + ` until the next start.

Versions: clients, nsqadmin and ` + "`/info`" + ` are told the version of nsqd that this program is compatible with (` + cli.StockVersion + `);
` + "`nsqmesh version`" + ` and the log name its own.
`

func docsKey(o option) string {
	if o.flagOnly {
		return ""
	}
	return "`" + o.configKey() + "`"
}

func docsKind(o option) string {
	if kind := o.placeholder(); kind != "" {
		return kind
	}
	return "on/off"
}

func docsDefault(o option) string {
	switch {
	case o.stands != "":
		return o.stands
	case o.def == "":
		return "empty"
	}
	return "`" + o.def + "`"
}

func docsMeaning(o option) string {
	if o.ours {
		return o.help + " *nsqmesh*"
	}
	return o.help
}

// cell keeps a vertical bar from ending the cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
