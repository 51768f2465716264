package keyring

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const keyringManual = `nsqmesh keyring makes keys for gossip and edits the file that --gossip-key-file names. A node reads that file when it
starts and on SIGHUP.

usage: nsqmesh keyring generate [--file=FILE]
       nsqmesh keyring list     --file=FILE
       nsqmesh keyring add      --file=FILE         the key comes from standard input
       nsqmesh keyring use      --file=FILE ID
       nsqmesh keyring remove   --file=FILE ID

The first key encrypts, all of them decrypt. list shows an id for each, which is the same on every node and tells nothing
about the key. To change the key of a running mesh, do each step on all nodes before the next one, and send SIGHUP to the node
after each:

    nsqmesh keyring generate > new.key                               on one host; copy it to the others

    nsqmesh keyring add --file=/etc/nsqmesh/gossip.keys < new.key    then SIGHUP: all nodes understand the new key
    nsqmesh keyring use --file=/etc/nsqmesh/gossip.keys NEW-ID       then SIGHUP: all nodes speak with it
    nsqmesh keyring remove --file=/etc/nsqmesh/gossip.keys OLD-ID    then SIGHUP: the old one is worth nothing any more
`

func Command() cli.Command {
	return cli.ToolCommand("keyring", "make and change the keys that encrypt gossip", keyringManual, func() cli.Tool { return &keyringTool{} })
}

type keyringTool struct{ file string }

func (t *keyringTool) Flags(f *cli.Flags) {
	f.Add(&t.file, "file", "the key `file`")
}

func (t *keyringTool) Run(_ context.Context, words []string, std cli.Stdio) error {
	act, id, err := t.parse(words)
	if err != nil {
		return err
	}
	switch act {
	case "generate":
		return t.generate(std.Out)
	case "list":
		return t.list(std.Out)
	case "add":
		text, err := io.ReadAll(io.LimitReader(std.In, 4096))
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		key, err := parseKey(string(text))
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		return t.edit(func(f *keyFile) error { return f.add(key) })
	case "use":
		return t.edit(func(f *keyFile) error { return f.use(id) })
	default:
		return t.edit(func(f *keyFile) error { return f.remove(id) })
	}
}

func (t *keyringTool) parse(words []string) (act, id string, err error) {
	needs := map[string]int{"generate": 1, "list": 1, "add": 1, "use": 2, "remove": 2}
	switch {
	case len(words) == 0:
		return "", "", cli.WrongUsage("what to do: generate, list, add, use or remove?")
	case needs[words[0]] == 0:
		return "", "", cli.WrongUsage("unknown: %s", words[0])
	case t.file == "" && words[0] != "generate":
		return "", "", cli.WrongUsage("--file is missing")
	case words[0] == "add" && len(words) > 1:
		return "", "", cli.WrongUsage("the key comes from standard input, for everybody on the host can see a command line")
	case len(words) != needs[words[0]]:
		return "", "", cli.WrongUsage("%s needs the id of one key, as list shows it", words[0])
	case len(words) == 2:
		id = words[1]
	}
	return words[0], id, nil
}

func (t *keyringTool) generate(out io.Writer) error {
	key := NewKey()
	if t.file == "" {
		_, err := fmt.Fprintln(out, base64.StdEncoding.EncodeToString(key))
		return err
	}
	f := &keyFile{}
	if err := errors.Join(f.add(key), f.create(t.file)); err != nil {
		return err
	}
	return t.list(out)
}

// edit changes the file.
func (t *keyringTool) edit(change func(*keyFile) error) error {
	f, err := readKeyFile(t.file)
	if err != nil {
		return err
	}
	if err := change(f); err != nil {
		return fmt.Errorf("%s: %w", t.file, err)
	}
	return f.write(t.file)
}

func (t *keyringTool) list(out io.Writer) error {
	f, err := readKeyFile(t.file)
	if err != nil {
		return err
	}
	role := "encrypts, decrypts"
	for _, i := range f.at() {
		key := f.key(i)
		fmt.Fprintf(out, "%s  %d bits  %s\n", Fingerprint(key), 8*len(key), role)
		role = "decrypts"
	}
	return nil
}
