package httpapi

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// counted is the binary body of /mpub.
func counted(messages ...string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(messages)))
	for _, m := range messages {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(m))), m...)
	}
	return string(b)
}

func int32be(n int32) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// The limits of a test node are 16 bytes a message and 60 a body.
var publishes = map[string]struct {
	uri, body string
	status    int
	text      string
	topics    string   // afterwards
	messages  []string // in topic t afterwards
}{
	"pub":                             {"/pub?topic=t", "x", 200, "OK", "t()", []string{"x"}},
	"pub of any bytes":                {"/pub?topic=t", "a=1&topic=u\n\x00\xff\n", 200, "OK", "t()", []string{"a=1&topic=u\n\x00\xff\n"}},
	"pub of the largest":              {"/pub?topic=t", "0123456789abcdef", 200, "OK", "t()", []string{"0123456789abcdef"}},
	"pub to an ephemeral topic":       {"/pub?topic=now%23ephemeral", "x", 200, "OK", "now#ephemeral()", nil},
	"pub of too much":                 {"/pub?topic=t", "0123456789abcdefg", 413, "MSG_TOO_BIG", "", nil},
	"pub of too much to nowhere":      {"/pub", "0123456789abcdefg", 413, "MSG_TOO_BIG", "", nil},
	"pub of nothing":                  {"/pub?topic=t", "", 400, "MSG_EMPTY", "", nil},
	"pub of nothing to nowhere":       {"/pub?%", "", 400, "MSG_EMPTY", "", nil},
	"pub with a bad query":            {"/pub?topic=t&x=%", "x", 400, "INVALID_REQUEST", "", nil},
	"pub with a semicolon":            {"/pub?topic=t;x=1", "x", 400, "INVALID_REQUEST", "", nil},
	"pub without a topic":             {"/pub?Topic=t", "x", 400, "MISSING_ARG_TOPIC", "", nil},
	"pub to the empty topic":          {"/pub?topic=", "x", 400, "INVALID_TOPIC", "", nil},
	"pub to a bad topic":              {"/pub?topic=a%20b", "x", 400, "INVALID_TOPIC", "", nil},
	"pub to a topic too long":         {"/pub?topic=" + strings.Repeat("a", 65), "x", 400, "INVALID_TOPIC", "", nil},
	"pub without delay":               {"/pub?topic=t&defer=0", "x", 200, "OK", "t()", []string{"x"}},
	"pub with the longest delay":      {"/pub?topic=t&defer=3600000", "x", 200, "OK", "t()", nil},
	"pub with a sign":                 {"/pub?topic=t&defer=%2B5", "x", 200, "OK", "t()", nil},
	"pub with a longer delay":         {"/pub?topic=t&defer=3600001", "x", 400, "INVALID_DEFER", "t()", nil},
	"pub with a huge delay":           {"/pub?topic=t&defer=9223372036854775807", "x", 400, "INVALID_DEFER", "t()", nil},
	"pub with a delay beyond numbers": {"/pub?topic=t&defer=9223372036854775808", "x", 400, "INVALID_DEFER", "t()", nil},
	"pub with a delay in the past":    {"/pub?topic=t&defer=-1", "x", 400, "INVALID_DEFER", "t()", nil},
	"pub with a word for a delay":     {"/pub?topic=t&defer=soon", "x", 400, "INVALID_DEFER", "t()", nil},
	"pub with an empty delay":         {"/pub?topic=t&defer=", "x", 400, "INVALID_DEFER", "t()", nil},

	"mpub":                         {"/mpub?topic=t", "one\ntwo\nthree", 200, "OK", "t()", []string{"one", "two", "three"}},
	"mpub of odd lines":            {"/mpub?topic=t", "\na\n\n\nb\r\nc\n", 200, "OK", "t()", []string{"a", "b\r", "c"}},
	"mpub of nothing":              {"/mpub?topic=t", "", 200, "OK", "t()", nil},
	"mpub of empty lines":          {"/mpub?topic=t", "\n\n", 200, "OK", "t()", nil},
	"mpub has no delay":            {"/mpub?topic=t&defer=soon", "x", 200, "OK", "t()", []string{"x"}},
	"mpub without a topic":         {"/mpub", "x", 400, "MISSING_ARG_TOPIC", "", nil},
	"mpub to a bad topic":          {"/mpub?topic=no!", "x", 400, "INVALID_TOPIC", "", nil},
	"mpub with a bad query":        {"/mpub?topic=t&%", "x", 400, "INVALID_REQUEST", "", nil},
	"mpub of too much":             {"/mpub?topic=t", strings.Repeat("x\n", 31), 413, "BODY_TOO_BIG", "", nil},
	"mpub of too much to nowhere":  {"/mpub", strings.Repeat("x\n", 31), 413, "BODY_TOO_BIG", "", nil},
	"mpub of a line too long":      {"/mpub?topic=t", "ok\n0123456789abcdefg", 413, "MSG_TOO_BIG", "t()", nil},
	"mpub of the longest line":     {"/mpub?topic=t", "ok\n0123456789abcdef", 200, "OK", "t()", []string{"ok", "0123456789abcdef"}},
	"mpub of lines, said so":       {"/mpub?topic=t&binary=false", "x\ny", 200, "OK", "t()", []string{"x", "y"}},
	"mpub of lines, said so again": {"/mpub?topic=t&binary=0", "x\ny", 200, "OK", "t()", []string{"x", "y"}},

	"mpub counted":                {"/mpub?topic=t&binary=true", counted("a\nb", "\x00"), 200, "OK", "t()", []string{"a\nb", "\x00"}},
	"mpub counted, said with 1":   {"/mpub?topic=t&binary=1", counted("x"), 200, "OK", "t()", []string{"x"}},
	"mpub counted, said oddly":    {"/mpub?topic=t&binary=yes", counted("x"), 200, "OK", "t()", []string{"x"}},
	"mpub counted, hardly said":   {"/mpub?topic=t&binary", counted("x"), 200, "OK", "t()", []string{"x"}},
	"mpub counted and more":       {"/mpub?topic=t&binary=true", counted("x") + "more", 200, "OK", "t()", []string{"x"}},
	"mpub counted, too big":       {"/mpub?topic=t&binary=true", counted("x") + strings.Repeat("x", 60), 413, "BODY_TOO_BIG", "", nil},
	"mpub counted to nowhere":     {"/mpub?binary=true", "", 400, "MISSING_ARG_TOPIC", "", nil},
	"mpub counted none":           {"/mpub?topic=t&binary=true", int32be(0), 413, "BAD_BODY", "t()", nil},
	"mpub counted less than none": {"/mpub?topic=t&binary=true", int32be(-1), 413, "BAD_BODY", "t()", nil},
	"mpub without count":          {"/mpub?topic=t&binary=true", "", 413, "BAD_BODY", "t()", nil},
	"mpub with half a count":      {"/mpub?topic=t&binary=true", "ab", 413, "BAD_BODY", "t()", nil},
	"mpub counted the most":       {"/mpub?topic=t&binary=true", counted("1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b"), 200, "OK", "t()", strings.Split("123456789ab", "")},
	"mpub counted too many":       {"/mpub?topic=t&binary=true", int32be(12), 413, "BAD_BODY", "t()", nil},
	"mpub of no size":             {"/mpub?topic=t&binary=true", int32be(1), 413, "BAD_MESSAGE", "t()", nil},
	"mpub of size zero":           {"/mpub?topic=t&binary=true", counted(""), 413, "BAD_MESSAGE", "t()", nil},
	"mpub of size below zero":     {"/mpub?topic=t&binary=true", int32be(1) + int32be(-5) + "x", 413, "BAD_MESSAGE", "t()", nil},
	"mpub of a message cut short": {"/mpub?topic=t&binary=true", int32be(1) + int32be(9) + "abc", 413, "BAD_MESSAGE", "t()", nil},
	"mpub of a message missing":   {"/mpub?topic=t&binary=true", int32be(2) + counted("ok")[4:], 413, "BAD_MESSAGE", "t()", nil},
	"mpub of a message too long":  {"/mpub?topic=t&binary=true", counted("ok", "0123456789abcdefg"), 413, "BAD_MESSAGE", "t()", nil},
}

// check looks at an answer and at what it did to the node.
func (n *testNode) check(t *testing.T, w *httptest.ResponseRecorder, status int, text, topics string, messages []string) {
	t.Helper()
	kind := v1Text
	if status != 200 {
		text, kind = failure(text), v1JSON
	}
	if w.Code != status || w.Body.String() != text {
		t.Errorf("got %d %s, want %d %s", w.Code, w.Body, status, text)
	}
	for key, want := range kind {
		if got := w.Header().Get(key); got != want {
			t.Errorf("header %s is %q, want %q", key, got, want)
		}
	}
	if got := n.names(); got != topics {
		t.Errorf("topics are %s, want %s", got, topics)
	}
	if messages != nil {
		if got := n.messages(t, "t"); !slices.Equal(got, messages) {
			t.Errorf("messages are %q, want %q", got, messages)
		}
	}
	if status != 200 && n.FindTopic("t") != nil && n.Stats("t", "")[0].MessageCount != 0 {
		t.Error("something was published in spite of the error")
	}
}

func TestPublish(t *testing.T) {
	for name, test := range publishes {
		t.Run(name, func(t *testing.T) {
			n := newTestNode(t)
			n.check(t, n.post(test.uri, test.body), test.status, test.text, test.topics, test.messages)
		})
	}
}

func TestPublishWithoutLength(t *testing.T) {
	tests := map[string]struct {
		uri      string
		body     io.Reader
		status   int
		text     string
		topics   string
		messages []string
	}{
		"pub":             {"/pub?topic=t", strings.NewReader("x"), 200, "OK", "t()", []string{"x"}},
		"pub of the most": {"/pub?topic=t", strings.NewReader("0123456789abcdef"), 200, "OK", "t()", []string{"0123456789abcdef"}},
		"pub of too much": {"/pub", strings.NewReader("0123456789abcdefg"), 413, "MSG_TOO_BIG", "", nil},
		"pub of nothing":  {"/pub", strings.NewReader(""), 400, "MSG_EMPTY", "", nil},
		"pub broken off":  {"/pub", iotest.ErrReader(io.ErrUnexpectedEOF), 500, "INTERNAL_ERROR", "", nil},

		"mpub":             {"/mpub?topic=t", strings.NewReader("x\ny"), 200, "OK", "t()", []string{"x", "y"}},
		"mpub of too much": {"/mpub?topic=t", strings.NewReader(strings.Repeat("x\n", 31)), 413, "BODY_TOO_BIG", "t()", nil},
		"mpub of the most": {"/mpub?topic=t", strings.NewReader("x" + strings.Repeat("\n", 59)), 200, "OK", "t()", []string{"x"}},
		"mpub broken off": {"/mpub?topic=t", io.MultiReader(strings.NewReader("x\n"), iotest.ErrReader(io.ErrUnexpectedEOF)),
			500, "INTERNAL_ERROR", "t()", nil},
		"mpub counted": {"/mpub?topic=t&binary=true", strings.NewReader(counted("x", "y")), 200, "OK", "t()", []string{"x", "y"}},
		"mpub counted and much more": {"/mpub?topic=t&binary=true", strings.NewReader(counted("x") + strings.Repeat("x", 60)),
			200, "OK", "t()", []string{"x"}},
		"mpub counted beyond the body": {"/mpub?topic=t&binary=true", strings.NewReader(counted("0123456789abcdef", "0123456789abcdef", "0123456789abcdef")),
			413, "BAD_MESSAGE", "t()", nil},
		"mpub counted, the rest broken off": {"/mpub?topic=t&binary=true",
			io.MultiReader(strings.NewReader(counted("x")), iotest.ErrReader(io.ErrUnexpectedEOF)), 200, "OK", "t()", []string{"x"}},
		"mpub counted, broken off": {"/mpub?topic=t&binary=true",
			io.MultiReader(strings.NewReader(counted("x", "y")[:10]), iotest.ErrReader(io.ErrUnexpectedEOF)), 413, "BAD_MESSAGE", "t()", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := newTestNode(t)
			w := httptest.NewRecorder()
			n.api.ServeHTTP(w, httptest.NewRequest("POST", test.uri, io.MultiReader(test.body))) // which hides its length
			n.check(t, w, test.status, test.text, test.topics, test.messages)
		})
	}
}

func TestPublishLessThanPromised(t *testing.T) {
	n := newTestNode(t)
	req := httptest.NewRequest("POST", "/pub?topic=t", strings.NewReader("abc"))
	req.ContentLength = 5
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, req)
	n.check(t, w, 500, "INTERNAL_ERROR", "", nil)
}

func TestDeferredPublish(t *testing.T) {
	n := newTestNode(t)
	n.post("/topic/create?topic=t", "")
	n.post("/channel/create?topic=t&channel=c", "")
	if w := n.post("/pub?topic=t&defer=3600000", "x"); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if c := n.Stats("t", "")[0].Channels[0]; c.Deferred != 1 || c.Depth != 0 {
		t.Errorf("deferred %d, depth %d", c.Deferred, c.Depth)
	}
}

// closing is a broker on its way out.
type closing struct{ Queues }

func (closing) FindTopic(string) *queue.Topic      { return nil }
func (closing) Topic(string) (*queue.Topic, error) { return nil, queue.ErrExiting }

func TestPublishWhileClosing(t *testing.T) {
	n := newTestNode(t)
	n.post("/topic/create?topic=t", "")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"/pub?topic=t", "/mpub?topic=t", "/mpub?topic=t&binary=1"} {
		exchange{"POST", uri, counted("x"), 503, failure("EXITING"), v1JSON}.run(t, n.api)
	}
	n = newTestNode(t, func(o *NsqdOptions) { o.Queues = closing{} })
	exchange{"POST", "/pub?topic=new", "x", 503, failure("EXITING"), v1JSON}.run(t, n.api)
}

func TestOddBinaryIsWarnedAboutOnce(t *testing.T) {
	var out bytes.Buffer
	n := newTestNode(t, func(o *NsqdOptions) { o.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	for _, word := range []string{"true", "yes", "no", "false"} {
		n.post("/mpub?topic=t&binary="+word, counted("x"))
	}
	if got := out.String(); strings.Count(got, "deprecated") != 1 || !strings.Contains(got, "value=yes") {
		t.Errorf("logged %s", got)
	}
}

func TestLargeBatchIsNotKept(t *testing.T) {
	a := &nsqdAPI{}
	a.batches.New = func() any { return nil }
	a.returnBatch(&batch{messages: make([]queue.Message, 2*keptMessages)})
	if a.batches.Get() != nil {
		t.Error("a batch of rare size is kept")
	}
}

func FuzzMpubBinary(f *testing.F) {
	for _, test := range publishes {
		f.Add(test.body, int64(16), int64(60))
	}
	f.Fuzz(func(t *testing.T, body string, maxMsgSize, maxBodySize int64) {
		batch, err := appendBinary(nil, body, Limits{MaxMsgSize: maxMsgSize, MaxBodySize: maxBodySize})
		if err != nil {
			return
		}
		var bodies []string
		for _, m := range batch {
			if m.Body == "" || int64(len(m.Body)) > maxMsgSize {
				t.Errorf("message of %d bytes", len(m.Body))
			}
			bodies = append(bodies, m.Body)
		}
		if int64(len(batch)) > (maxBodySize-4)/5 || !strings.HasPrefix(body, counted(bodies...)) {
			t.Errorf("%d messages out of %q", len(batch), body)
		}
	})
}

func FuzzMpubLines(f *testing.F) {
	f.Add("a\n\nb\r\nc", int64(5))
	f.Fuzz(func(t *testing.T, body string, maxMsgSize int64) {
		var want []string
		for _, line := range strings.Split(body, "\n") {
			if int64(len(line)) > maxMsgSize && line != "" {
				want = nil
				break
			}
			if line != "" {
				want = append(want, line)
			}
		}
		batch, err := appendLines(nil, body, max(maxMsgSize, 0))
		if err != nil {
			batch = nil
		}
		if !slices.EqualFunc(batch, want, func(m queue.Message, line string) bool { return m.Body == line }) {
			t.Errorf("got %v, want %q", batch, want)
		}
	})
}
