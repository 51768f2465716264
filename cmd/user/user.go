// Package user owns "nsqmesh user", which edits the file of who may use the admin pages and the guarded HTTP APIs. What
// the file says and how it is checked is package admin's. A password is never taken from the command line, for everybody
// on the host can see that.
package user

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const manual = `nsqmesh user edits the file that --auth-file names: who may use the admin pages, and the HTTP APIs under --auth-guard-api.

usage: nsqmesh user add    --file=FILE NAME viewer|operator|admin    the password is the first line of standard input
       nsqmesh user add    --file=FILE --token NAME ROLE             print a token for a program, which is stored nowhere
       nsqmesh user add    --file=FILE --no-password NAME ROLE       only a proxy can let this user in
       nsqmesh user remove --file=FILE NAME                          the user and the token of that name
       nsqmesh user list   --file=FILE

A viewer looks, an operator also looks into messages, publishes, pauses, requeues and disconnects, an admin also creates, deletes,
empties and tombstones. Adding a name again changes its role and password. The first add makes the file, with a secret that
signs sessions; copy the file to all nodes, which read it again when it changes.

    printf '%s\n' "$PASSWORD" | nsqmesh user add --file=/etc/nsqmesh/users anna admin
    nsqmesh user add --file=/etc/nsqmesh/users --token ci operator
    curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:4171/api/v1/overview
`

// Command is nsqmesh user.
func Command() cli.Command {
	return cli.ToolCommand("user", "say who may use the admin pages", manual, func() cli.Tool { return &tool{} })
}

type tool struct {
	file              string
	token, noPassword bool
}

func (t *tool) Flags(f *cli.Flags) {
	f.Add(&t.file, "file", "the `file` of users")
	f.Add(&t.token, "token", "add a token for a program")
	f.Add(&t.noPassword, "no-password", "add a user whom only a proxy lets in")
}

func (t *tool) Run(_ context.Context, words []string, std cli.Stdio) error {
	switch {
	case len(words) == 0:
		return cli.WrongUsage("what to do: add, remove or list?")
	case t.file == "":
		return cli.WrongUsage("--file is missing")
	case t.token && t.noPassword:
		return cli.WrongUsage("--token and --no-password do not go together")
	}
	switch act, rest := words[0], words[1:]; {
	case act == "add" && len(rest) == 2:
		return t.add(rest[0], rest[1], std)
	case act == "remove" && len(rest) == 1:
		return admin.Remove(t.file, rest[0])
	case act == "list" && len(rest) == 0:
		return t.list(std.Out)
	case act == "add":
		return cli.WrongUsage("add needs a name and a role; a password comes from standard input")
	case act == "remove":
		return cli.WrongUsage("remove needs a name")
	case act == "list":
		return cli.WrongUsage("list needs nothing but --file")
	}
	return cli.WrongUsage("unknown: %s", words[0])
}

func (t *tool) add(name, word string, std cli.Stdio) error {
	role, err := admin.ParseRole(word)
	if err != nil {
		return cli.WrongUsage("%s: %v", word, err)
	}
	switch {
	case t.token:
		token, err := admin.AddToken(t.file, name, role)
		if err == nil {
			fmt.Fprintln(std.Out, token)
		}
		return err
	case t.noPassword:
		return admin.AddUser(t.file, name, role, "")
	}
	fmt.Fprintf(std.Err, "password of %s: ", name)
	line, err := bufio.NewReader(io.LimitReader(std.In, 4096)).ReadString('\n')
	fmt.Fprintln(std.Err)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read password: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return admin.ErrWeak
	}
	return admin.AddUser(t.file, name, role, password)
}

func (t *tool) list(out io.Writer) error {
	users, err := admin.OpenUsers(t.file)
	if err != nil {
		return err
	}
	for _, a := range users.List() {
		kind := "password"
		switch {
		case a.Token:
			kind = "token"
		case a.Passwordless():
			kind = "proxy"
		}
		fmt.Fprintf(out, "%-24s %-9s %s\n", a.Name, a.Role, kind)
	}
	return nil
}
