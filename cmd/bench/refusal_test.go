package bench

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/node/nsqd"
)

func TestBenchSaysWhatToDoAboutRefusals(t *testing.T) {
	s := startBenchServer(t, func(o *nsqd.Options) { o.MaxMsgSize, o.MaxBodySize = 1000, 5000 })
	for name, c := range map[string]struct {
		args  []string
		wants []string
	}{
		"a message that is too big": {[]string{"pub", "--batch=1", "--size=1001"}, []string{"E_BAD_MESSAGE PUB message too big 1001 > 1000", "lower --size", "--max-msg-size"}},
		"a batch that is too big":   {[]string{"pub", "--batch=100"}, []string{"E_BAD_BODY MPUB body too big", "lower --batch", "--max-body-size"}},
		"nothing to consume":        {[]string{"sub"}, []string{"no messages came", "nsqmesh bench pub"}},
		"messages of latency":       {[]string{"latency", "--size=2000", "--seconds=20"}, []string{"message too big 2000 > 1000", "lower --size"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errOut := benchmark(t.Context(), append(c.args, "--address="+s.address)...)
			if status != cli.ExitFault || out != "" {
				t.Errorf("exit status %d, %s", status, out)
			}
			for _, want := range c.wants {
				if !strings.Contains(errOut, want) {
					t.Errorf("%q is not in %q", want, errOut)
				}
			}
		})
	}
}

func TestEveryRefusalHasAdvice(t *testing.T) {
	for answer, advice := range map[string]string{
		"E_INVALID cannot SUB in current state (TLS required)":               "TLS",
		"E_INVALID RDY count 5000 out of range 0-2500":                       "--rdy",
		"E_SUB_FAILED SUB failed consumers for a:b exceeds limit of 10":      "--conns",
		"E_SUB_FAILED SUB failed exiting":                                    "another --topic",
		"E_BAD_BODY MPUB invalid message count 2000000":                      "--batch",
		"E_BAD_TOPIC E_BAD_TOPIC MPUB topic name \"a b\" is not valid":       "another --topic",
		"E_BAD_CHANNEL SUB channel name \"a b\" is not valid":                "another --channel",
		"E_AUTH_FIRST AUTH required before SUB":                              "--auth-http-address",
		"E_UNAUTHORIZED AUTH failed for PUB on \"a\" \"\"":                   "--auth-http-address",
		"E_MPUB_FAILED MPUB failed write: no space left on device":           "its disk",
		"E_FIN_FAILED FIN 0123456789abcdef failed client does not own it":    "--msg-timeout",
		"E_PUB_FAILED PUB failed exiting":                                    "its log",
		"E_BAD_MESSAGE PUB message too big 1048577 > 1048576":                "--max-msg-size",
		"E_BAD_BODY MPUB body too big 5242881 > 5242880 and whatever follow": "--max-body-size",
	} {
		if got := explainRefusal(answer).Error(); !strings.Contains(got, answer) || !strings.Contains(got, advice) {
			t.Errorf("%s: %s", answer, got)
		}
	}
	if got := explainRefusal("E_NEW one").Error(); got != "the server answered E_NEW one" {
		t.Error(got)
	}
}

// scripted is a server that answers each connection with the same bytes.
func scripted(t testing.TB, answer string) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1000))
			_, _ = c.Write([]byte(answer))
			time.AfterFunc(10*time.Millisecond, func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

func TestBenchOfWhatIsNoServer(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct{ address, want string }{
		"nobody there":        {closed.Addr().String(), "is a server there?"},
		"an HTTP server":      {scripted(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "is that its HTTP port?"},
		"a server that hangs": {scripted(t, ""), "the server closed the connection"},
		"no negotiation":      {scripted(t, frameOf(0, "OK")), "does not speak protocol V2"},
		"a server with AUTH":  {scripted(t, frameOf(0, `{"auth_required":true}`)), "wants AUTH"},
		"a refusal at once":   {scripted(t, frameOf(1, "E_BAD_PROTOCOL")), "E_BAD_PROTOCOL"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, scenario := range []string{"pub", "sub", "latency", "fanout"} {
				status, out, errOut := benchmark(t.Context(), scenario, "--address="+c.address)
				if status != cli.ExitFault || out != "" || !strings.Contains(errOut, c.want) {
					t.Errorf("%s: exit status %d, %s%s", scenario, status, out, errOut)
				}
			}
		})
	}
}

func TestBenchCommandLines(t *testing.T) {
	empty := tempFile(t, "")
	other := tempFile(t, `{"messages": 3}`)
	for name, c := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"nothing":                     {nil, cli.ExitUsage, "which scenario?"},
		"a misspelt scenario":         {[]string{"latancy"}, cli.ExitUsage, "did you mean latency?"},
		"the scenario behind a flag":  {[]string{"--output=json", "pub"}, cli.ExitUsage, "the scenario comes first: nsqmesh bench pub"},
		"a word too many":             {[]string{"pub", "fast"}, cli.ExitUsage, "unknown arguments: [fast]"},
		"help":                        {[]string{"-h"}, cli.ExitOK, "nsqmesh bench SCENARIO [options]"},
		"help for pub":                {[]string{"pub", "-h"}, cli.ExitOK, "--pipeline <commands>"},
		"help for sub":                {[]string{"sub", "--help"}, cli.ExitOK, "--rdy <messages>"},
		"help for latency":            {[]string{"latency", "-h"}, cli.ExitOK, "--rate <messages>"},
		"help for fanout":             {[]string{"fanout", "-h"}, cli.ExitOK, "--channels <number>"},
		"help for idle":               {[]string{"idle", "-h"}, cli.ExitOK, "--pid <id>"},
		"help for lookup":             {[]string{"lookup", "-h"}, cli.ExitOK, "--http-address <host:port>"},
		"idle without a process":      {[]string{"idle"}, cli.ExitUsage, "--pid is needed"},
		"a process that is not there": {[]string{"pub", "--pid=999999999"}, cli.ExitFault, "look at the server (--pid)"},
		"no time":                     {[]string{"pub", "--seconds=0"}, cli.ExitUsage, "--seconds should be positive"},
		"an odd time":                 {[]string{"pub", "--seconds=soon"}, cli.ExitUsage, "must be a number of seconds"},
		"an address without a port":   {[]string{"pub", "--address=mq1"}, cli.ExitUsage, "must be host:port"},
		"a bad topic":                 {[]string{"sub", "--topic=a b"}, cli.ExitUsage, "--topic is invalid"},
		"a bad channel":               {[]string{"sub", "--channel="}, cli.ExitUsage, "--channel is invalid"},
		"no connections":              {[]string{"sub", "--conns=0"}, cli.ExitUsage, "--conns should be positive"},
		"no room for the time":        {[]string{"latency", "--size=15"}, cli.ExitUsage, "--size should be 16 at least"},
		"a misspelt flag":             {[]string{"pub", "--bach=1"}, cli.ExitUsage, "did you mean --batch?"},
		"one file to compare":         {[]string{"--compare", empty}, cli.ExitUsage, "takes two files, not 1"},
		"a file that is not there":    {[]string{"--compare", empty + "x", empty}, cli.ExitFault, "no such file"},
		"an empty file":               {[]string{"--compare", empty, empty}, cli.ExitFault, "it is empty"},
		"a file of something else":    {[]string{"--compare", other, other}, cli.ExitFault, "not from nsqmesh bench"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errOut := benchmark(t.Context(), c.args...)
			if status != c.status || !strings.Contains(out+errOut, c.want) {
				t.Errorf("exit status %d, %s%s", status, out, errOut)
			}
		})
	}
}

func TestBenchCompare(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
	write := func(path, lines string) {
		if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(a, `{"scenario":"pub","settings":{"batch":1},"figures":{"messages":5,"messages_per_second":100,"server_cpu_us_per_message":4}}
		{"scenario":"pub","settings":{"batch":1},"figures":{"messages":5,"messages_per_second":900,"server_cpu_us_per_message":6}}
		{"scenario":"pub","settings":{"batch":1},"figures":{"messages":5,"messages_per_second":300,"server_cpu_us_per_message":1000}}
		{"scenario":"sub","settings":{},"figures":{"messages_per_second":5}}`)
	write(b, `{"scenario":"pub","settings":{"batch":1},"figures":{"messages":5,"messages_per_second":600,"server_cpu_us_per_message":3}}
		{"scenario":"pub","settings":{"batch":2},"figures":{"messages_per_second":1}}`)
	status, out, errOut := benchmark(t.Context(), "--compare", "--output=json", a, b)
	want := `[{"scenario":"pub","settings":{"batch":1},"rounds":[3,1],"figures":[` +
		`{"name":"messages_per_second","a":300,"b":600,"ratio":2},` +
		`{"name":"server_cpu_us_per_message","a":6,"b":3,"ratio":0.5}]}]` + "\n"
	if status != cli.ExitOK || out != want {
		t.Errorf("exit status %d %s\n%s\nwant\n%s", status, errOut, out, want)
	}
	_, out, _ = benchmark(t.Context(), "--compare", a, b)
	for _, want := range []string{"pub batch=1, medians of 3 and 1\n", "messages/s             300  600  2.00x\n", "server CPU us/message    6    3  0.50x\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	write(b, `{"scenario":"idle","settings":{},"figures":{"idle_cpu_percent":1}}`)
	if status, _, errOut := benchmark(t.Context(), "--compare", a, b); status != cli.ExitFault || !strings.Contains(errOut, "no scenario in common") {
		t.Errorf("exit status %d, %s", status, errOut)
	}
}

func tempFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
