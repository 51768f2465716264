package user

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

func TestUser(t *testing.T) {
	file := "--file=" + filepath.Join(t.TempDir(), "users")
	for _, c := range []struct {
		says  string // for the test's log
		args  []string
		input string
		exit  int
		out   string
	}{
		{"a user with a password", []string{"add", file, "anna", "admin"}, "secret12345\n", cli.ExitOK, ""},
		{"a password too short", []string{"add", file, "eve", "admin"}, "short\n", cli.ExitFault, ""},
		{"no password at all", []string{"add", file, "eve", "admin"}, "", cli.ExitFault, ""},
		{"an unknown role", []string{"add", file, "eve", "root"}, "secret12345\n", cli.ExitUsage, ""},
		{"a token", []string{"add", file, "--token", "ci", "viewer"}, "", cli.ExitOK, "nsq_"},
		{"a user of a proxy", []string{"add", file, "--no-password", "bob", "operator"}, "", cli.ExitOK, ""},
		{"all of them", []string{"list", file}, "", cli.ExitOK, "anna                     admin     password\nci                       viewer    token\nbob                      operator  proxy\n"},
		{"one less", []string{"remove", file, "ci"}, "", cli.ExitOK, ""},
		{"one who is none", []string{"remove", file, "ci"}, "", cli.ExitFault, ""},
		{"nothing to do", []string{file}, "", cli.ExitUsage, ""},
		{"no file", []string{"list"}, "", cli.ExitUsage, ""},
		{"a word too few", []string{"add", file, "anna"}, "", cli.ExitUsage, ""},
	} {
		var out, errs bytes.Buffer
		exit := Command().Run(c.args, cli.Stdio{In: strings.NewReader(c.input), Out: &out, Err: &errs})
		if exit != c.exit || !strings.HasPrefix(out.String(), c.out) {
			t.Errorf("%s: exit %d, %q, %s", c.says, exit, out.String(), errs.String())
		}
	}
	users, err := admin.OpenUsers(strings.TrimPrefix(file, "--file="))
	if err != nil || len(users.List()) != 2 {
		t.Errorf("in the end there are %v, %v", users.List(), err)
	}
}
