package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// nsqmesh runs a command line in this process.
func nsqmesh(args ...string) (status int, out, errOut string) {
	var o, e bytes.Buffer
	status = run(args, cli.Stdio{In: strings.NewReader(""), Out: &o, Err: &e})
	return status, o.String(), e.String()
}

func TestCommandLines(t *testing.T) {
	good := tempFile(t, "sync_every = 5\nsnappy = false\n")
	bad := tempFile(t, "sync_every = 0\nmax_deflate_level = 0\ncolour = 1\n")
	typo := tempFile(t, "sync_evry = 5\nsnappy = 1\ncolour = 1\n")
	lost := tempFile(t, "tls_root_ca_file = \"/does/not/exist\"\ngossip_key_file = \"/nor/does/this\"\n")
	for name, c := range map[string]struct {
		args        []string
		status      int
		out, errOut string
	}{
		"nothing at all":            {nil, 2, "", "Commands:"},
		"help":                      {[]string{"help"}, 0, "nsqmesh serve --data-path", ""},
		"help as a flag":            {[]string{"-h"}, 0, "Commands:", ""},
		"help for a command":        {[]string{"help", "serve"}, 0, "--gossip-seed <seed>", ""},
		"help for config":           {[]string{"config", "--help"}, 0, "config check", ""},
		"help for config check":     {[]string{"config", "check", "-h"}, 0, "config check", ""},
		"version":                   {[]string{"version"}, 0, "(nsqd v1.3.0 compatible, built w/go", ""},
		"version as a flag":         {[]string{"--version"}, 0, "nsqmesh v", ""},
		"version of serve":          {[]string{"serve", "--version"}, 0, "nsqmesh v", ""},
		"a misspelt command":        {[]string{"serv"}, 2, "", "did you mean serve?"},
		"a command like no other":   {[]string{"zzzzzzzz"}, 2, "", `unknown command "zzzzzzzz"` + "\n"},
		"no command":                {[]string{"--tcp-address=:1"}, 2, "", "nsqmesh serve --tcp-address=:1"},
		"config alone":              {[]string{"config"}, 2, "", "config check"},
		"a good file":               {[]string{"config", "check", good}, 0, "2 options, all fine", ""},
		"a file with bad values":    {[]string{"config", "check", bad}, 1, "", bad + ": --max-deflate-level must be [1,9]\n"},
		"the other value of it":     {[]string{"config", "check", bad}, 1, "", "--sync-every must be greater than 0"},
		"and the strange key of it": {[]string{"config", "check", bad}, 1, "", "unknown key colour"},
		"a file with typing errors": {[]string{"config", "check", typo}, 1, "", "did you mean sync_every?"},
		"the type error of it":      {[]string{"config", "check", typo}, 1, "", "failed parsing snappy 1"},
		"the strange key, too":      {[]string{"config", "check", typo}, 1, "", "unknown key colour"},
		"files that the file names": {[]string{"config", "check", lost}, 1, "", "failed to build client TLS config"},
		"and the other one":         {[]string{"config", "check", lost}, 1, "", "failed to read gossip keys"},
		"a file that is not there":  {[]string{"config", "check", "/does/not/exist"}, 1, "", "no such file"},
		"a bad option for serve":    {[]string{"serve", "--no-such-flag"}, 2, "", "flag provided but not defined"},
		"a bad file for serve":      {[]string{"serve", "--config=" + typo}, 1, "", "FATAL: failed to load config file"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errOut := nsqmesh(c.args...)
			if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.errOut) {
				t.Errorf("exit status %d, output %q, errors %q", status, out, errOut)
			}
			if (c.out == "") != (out == "") || (c.errOut == "") != (errOut == "") {
				t.Errorf("wrong stream: output %q, errors %q", out, errOut)
			}
		})
	}
}

func TestDocsAreCurrent(t *testing.T) {
	written, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, out, _ := nsqmesh("config", "docs"); out != string(written) {
		t.Error("docs/configuration.md differs from the table: run nsqmesh config docs > docs/configuration.md")
	}
}

func TestHelpNamesEveryOption(t *testing.T) {
	_, help, _ := nsqmesh("serve", "-h")
	for _, o := range allOptions() {
		if !strings.Contains(help, "\n  --"+o.name) || !strings.Contains(help, o.help) {
			t.Errorf("--%s is missing", o.name)
		}
	}
}
