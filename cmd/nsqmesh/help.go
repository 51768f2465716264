package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// endServe reports why a node does not start, or no longer runs, and returns the exit status.
func endServe(std cli.Stdio, err error) int {
	var usage cli.UsageError
	switch {
	case err == nil:
		return cli.ExitOK
	case errors.Is(err, flag.ErrHelp):
		printServeHelp(std.Out)
		return cli.ExitOK
	case errors.Is(err, errVersion):
		fmt.Fprintln(std.Out, cli.VersionLine())
		return cli.ExitOK
	case errors.As(err, &usage):
		fmt.Fprintf(std.Err, "%v\nusage: nsqmesh serve [options] (nsqmesh serve -h lists them)\n", err)
		return cli.ExitUsage
	}
	// Always in this form, whatever the options say: scripts around nsqd look for it.
	fmt.Fprintln(std.Err, lineHead("[nsqd] ", time.Now(), LogFatal.slogLevel())+oneLine(err.Error()))
	return cli.ExitFault
}

func printServeHelp(w io.Writer) {
	fmt.Fprint(w, `nsqmesh serve runs a node until it gets SIGINT or SIGTERM.

usage: nsqmesh serve [options]

    nsqmesh serve --data-path=/var/lib/nsq
        a mesh of one: clients on 4150 and 4151, lookups on 4160 and 4161

    nsqmesh serve --data-path=/var/lib/nsq --gossip-seed=10.0.0.7:4155 --gossip-seed=10.0.0.8:4155
        join the mesh of these nodes; any of them is enough, and they may come up later

    nsqmesh serve --data-path=/var/lib/nsq --broadcast-address=mq1.example.com --gossip-advertise=203.0.113.7
        behind NAT or in a container: what clients dial and what other nodes dial

    nsqmesh serve --config=/etc/nsq/nsqd.cfg
        with the config file of a stock nsqd (nsqmesh config check FILE tests one)

Options have one dash or two. Each can also stand in the config file (--max-msg-size is max_msg_size) and in the
environment (NSQMESH_MAX_MSG_SIZE); the command line wins, then the environment, then the file. Times need a unit
(500ms, 90s, 1h). An empty address turns a listener off, port 0 takes a free port.
`)
	for _, t := range themes() {
		fmt.Fprintf(w, "\n%s:\n", t.title)
		for _, o := range t.options {
			printOption(w, o)
		}
	}
}

func printOption(w io.Writer, o option) {
	head := "--" + o.name
	if kind := o.placeholder(); kind != "" {
		head += " <" + kind + ">"
	}
	fmt.Fprintf(w, "  %s\n        %s%s\n", head, o.help, o.defaultNote())
}

// placeholder names what the value is; on/off options take none.
func (o option) placeholder() string {
	if o.kind != "" {
		return o.kind
	}
	return o.in(new(Options)).Kind()
}

func (o option) defaultNote() string {
	switch {
	case o.stands != "":
		return " (default: " + o.stands + ")"
	case o.def == "" || o.def == "false" && o.placeholder() == "":
		return ""
	case strings.Contains(o.def, " "):
		return fmt.Sprintf(" (default %q)", o.def)
	}
	return " (default " + o.def + ")"
}
