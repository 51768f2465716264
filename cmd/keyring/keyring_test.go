package keyring

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// Keyring runs "nsqmesh keyring" with an input.
func keyring(input string, args ...string) (status int, out, errOut string) {
	var o, e bytes.Buffer
	status = Command().Run(args, cli.Stdio{In: strings.NewReader(input), Out: &o, Err: &e})
	return status, o.String(), e.String()
}

// ids are those that list shows, in order.
func ids(t testing.TB, file string) (all []string) {
	t.Helper()
	status, out, errOut := keyring("", "list", "--file="+file)
	if status != 0 {
		t.Fatalf("list: %s", errOut)
	}
	for line := range strings.Lines(out) {
		all = append(all, strings.Fields(line)[0])
	}
	return all
}

func TestAKeyFileIsEdited(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gossip.keys")
	_, fresh, _ := keyring("", "generate")
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(fresh))
	if err != nil || len(key) != 32 {
		t.Fatalf("a key is %q: %v", fresh, err)
	}
	if status, out, errOut := keyring("", "generate", "--file="+file); status != 0 || !strings.Contains(out, "  256 bits  encrypts, decrypts\n") {
		t.Fatalf("generate: %s %s", out, errOut)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	old, other := ids(t, file)[0], Fingerprint(key)
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		input string
		args  []string
		want  []string
		fails string // what the error says
	}{
		{"", []string{"generate"}, []string{old}, "exists"},
		{fresh, []string{"add"}, []string{old, other}, ""},
		{fresh, []string{"add"}, []string{old, other}, "already"},
		{"no key\n", []string{"add"}, []string{old, other}, "not base64"},
		{fresh + fresh, []string{"add"}, []string{old, other}, "2 keys"},
		{"", []string{"remove", old}, []string{old, other}, "encrypts"},
		{"", []string{"use", "01234567"}, []string{old, other}, "no key 01234567"},
		{"", []string{"use", old}, []string{old, other}, ""},
		{"", []string{"use", other}, []string{other, old}, ""},
		{"", []string{"remove", "01234567"}, []string{other, old}, "no key"},
		{"", []string{"remove", old}, []string{other}, ""},
	} {
		status, _, errOut := keyring(step.input, append(step.args, "--file="+file)...)
		if (status != 0) != (step.fails != "") || !strings.Contains(errOut, step.fails) {
			t.Errorf("%v: status %d, %s", step.args, status, errOut)
		}
		if strings.Contains(errOut, strings.TrimSpace(fresh)) {
			t.Errorf("%v shows a key: %s", step.args, errOut)
		}
		if got := ids(t, file); !slices.Equal(got, step.want) {
			t.Errorf("after %v: %v, want %v", step.args, got, step.want)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o640 {
		t.Errorf("an edit made the file %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(file + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnEditKeepsComments(t *testing.T) {
	one, two := base64.StdEncoding.EncodeToString(NewKey()), base64.StdEncoding.EncodeToString(NewKey())
	f, err := parseKeyFile("# ours\n" + one + "\n\n# the next one\n" + two + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.use(Fingerprint(f.key(4))); err != nil {
		t.Fatal(err)
	}
	if got, want := string(f.text()), "# ours\n"+two+"\n"+one+"\n\n# the next one\n"; got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestKeyringCommandLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gossip.keys")
	keyring("", "generate", "--file="+file)
	for name, args := range map[string][]string{
		"nothing to do":             nil,
		"something else":            {"rotate", "--file=" + file},
		"no file":                   {"list"},
		"a key on the command line": {"add", "--file=" + file, "MDEyMzQ1Njc4OWFiY2RlZg=="},
		"no id":                     {"use", "--file=" + file},
		"two ids":                   {"remove", "--file=" + file, "a", "b"},
	} {
		if status, _, errOut := keyring("", args...); status != cli.ExitUsage || errOut == "" {
			t.Errorf("%s: status %d, %q", name, status, errOut)
		}
	}
	if status, _, errOut := keyring("", "list", "--file=/does/not/exist"); status != cli.ExitFault || !strings.Contains(errOut, "no such file") {
		t.Errorf("no such file: %d %s", status, errOut)
	}
}
