package httpapi

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

func TestTopicsAndChannels(t *testing.T) {
	long := strings.Repeat("a", 65)
	type steps []exchange
	post := func(uri string, status int, text string) exchange {
		if status == 200 {
			return exchange{"POST", uri, "ignored body", 200, "", v1None}
		}
		return exchange{"POST", uri, "", status, failure(text), v1JSON}
	}
	tests := map[string]struct {
		steps steps
		names string // afterwards; at first there is a(c d) b()
	}{
		"create a topic": {steps{post("/topic/create?topic=n", 200, ""), post("/topic/create?topic=n", 200, "")}, "a(c d) b() n()"},
		"refuse to create a topic": {steps{
			post("/topic/create", 400, "MISSING_ARG_TOPIC"),
			post("/topic/create?topic=", 400, "INVALID_TOPIC"),
			post("/topic/create?topic=a+b", 400, "INVALID_TOPIC"),
			post("/topic/create?topic="+long, 400, "INVALID_TOPIC"),
			post("/topic/create?topic=%", 400, "INVALID_REQUEST"),
		}, "a(c d) b()"},
		"the query counts, not a form": {steps{{"POST", "/topic/create", "topic=n", 400, failure("MISSING_ARG_TOPIC"), v1JSON}}, "a(c d) b()"},
		"the first value counts":       {steps{post("/topic/create?topic=one&topic=two", 200, "")}, "a(c d) b() one()"},
		"delete a topic":               {steps{post("/topic/delete?topic=a", 200, ""), post("/topic/delete?topic=a", 404, "TOPIC_NOT_FOUND")}, "b()"},
		"refuse to delete a topic": {steps{
			post("/topic/delete", 400, "MISSING_ARG_TOPIC"),
			post("/topic/delete?topic=", 404, "TOPIC_NOT_FOUND"),
			post("/topic/delete?topic=not/legal", 404, "TOPIC_NOT_FOUND"),
			post("/topic/delete?x=%zz", 400, "INVALID_REQUEST"),
		}, "a(c d) b()"},
		"refuse to empty a topic": {steps{
			post("/topic/empty", 400, "MISSING_ARG_TOPIC"),
			post("/topic/empty?topic=", 400, "INVALID_TOPIC"),
			post("/topic/empty?topic=a%2Ab", 400, "INVALID_TOPIC"),
			post("/topic/empty?topic=n", 404, "TOPIC_NOT_FOUND"),
			post("/topic/empty?topic=a;", 400, "INVALID_REQUEST"),
		}, "a(c d) b()"},
		"refuse to pause a topic": {steps{
			post("/topic/pause", 400, "MISSING_ARG_TOPIC"),
			post("/topic/pause?topic=", 404, "TOPIC_NOT_FOUND"),
			post("/topic/pause?topic=n", 404, "TOPIC_NOT_FOUND"),
			post("/topic/unpause?topic=n", 404, "TOPIC_NOT_FOUND"),
			post("/topic/unpause", 400, "MISSING_ARG_TOPIC"),
		}, "a(c d) b()"},
		"create a channel": {steps{
			post("/channel/create?topic=b&channel=n%23ephemeral", 200, ""),
			post("/channel/create?topic=b&channel=n%23ephemeral", 200, ""),
		}, "a(c d) b(n#ephemeral)"},
		"delete a channel": {steps{
			post("/channel/delete?topic=a&channel=c", 200, ""),
			post("/channel/delete?topic=a&channel=c", 404, "CHANNEL_NOT_FOUND"),
		}, "a(d) b()"},
	}
	for _, verb := range []string{"create", "delete", "empty", "pause", "unpause"} {
		refusals := steps{
			post("/channel/"+verb, 400, "MISSING_ARG_TOPIC"),
			post("/channel/"+verb+"?topic=!&channel=c", 400, "INVALID_ARG_TOPIC"),
			post("/channel/"+verb+"?topic=&channel=c", 400, "INVALID_ARG_TOPIC"),
			post("/channel/"+verb+"?topic=n", 400, "MISSING_ARG_CHANNEL"),
			post("/channel/"+verb+"?topic=n&channel=", 400, "INVALID_ARG_CHANNEL"),
			post("/channel/"+verb+"?topic=n&channel=c%20d", 400, "INVALID_ARG_CHANNEL"),
			post("/channel/"+verb+"?topic=n&channel=c", 404, "TOPIC_NOT_FOUND"),
			post("/channel/"+verb+"?topic=a&channel=c&x=%", 400, "INVALID_REQUEST"),
		}
		if verb != "create" {
			refusals = append(refusals, post("/channel/"+verb+"?topic=a&channel=n", 404, "CHANNEL_NOT_FOUND"))
		}
		tests["refuse to "+verb+" a channel"] = struct {
			steps steps
			names string
		}{refusals, "a(c d) b()"}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := newTestNode(t)
			for _, uri := range []string{"/topic/create?topic=a", "/channel/create?topic=a&channel=c",
				"/channel/create?topic=a&channel=d", "/topic/create?topic=b"} {
				n.post(uri, "")
			}
			server := httptest.NewServer(n.api)
			defer server.Close()
			for _, step := range test.steps {
				step.ask(t, server.URL)
			}
			if got := n.names(); got != test.names {
				t.Errorf("topics are %s, want %s", got, test.names)
			}
		})
	}
}

func TestPauseAndEmpty(t *testing.T) {
	n := newTestNode(t)
	n.post("/topic/create?topic=t", "")
	n.post("/channel/create?topic=t&channel=c", "")
	topic := n.FindTopic("t")
	channel := topic.FindChannel("c")
	for _, step := range []struct {
		uri            string
		topic, channel bool
	}{
		{"/channel/pause?topic=t&channel=c", false, true},
		{"/topic/pause?topic=t", true, true},
		{"/topic/pause?topic=t", true, true},
		{"/channel/unpause?topic=t&channel=c", true, false},
		{"/topic/unpause?topic=t", false, false},
		{"/topic/unpause?topic=t", false, false},
	} {
		exchange{"POST", step.uri, "", 200, "", v1None}.run(t, n.api)
		if topic.Paused() != step.topic || channel.Paused() != step.channel {
			t.Errorf("after %s: topic %t, channel %t", step.uri, topic.Paused(), channel.Paused())
		}
	}

	n.post("/mpub?topic=t", "a\nb")
	n.post("/topic/pause?topic=t", "")
	n.post("/mpub?topic=t", "c\nd\ne")
	depths := func() (int64, int64) {
		s := n.Stats("t", "")[0]
		return s.Depth, s.Channels[0].Depth
	}
	if a, b := depths(); a != 3 || b != 2 {
		t.Fatalf("depths %d, %d", a, b)
	}
	exchange{"POST", "/topic/empty?topic=t", "", 200, "", v1None}.run(t, n.api)
	if a, b := depths(); a != 0 || b != 2 {
		t.Errorf("after emptying the topic: depths %d, %d", a, b)
	}
	exchange{"POST", "/channel/empty?topic=t&channel=c", "", 200, "", v1None}.run(t, n.api)
	if a, b := depths(); a != 0 || b != 0 {
		t.Errorf("after emptying the channel: depths %d, %d", a, b)
	}
}

// failing refuses every change.
type failing struct {
	localMetadata
	err error
}

func (f failing) DeleteTopic(context.Context, string) error { return f.err }

func TestErrorsOfMetadata(t *testing.T) {
	for text, test := range map[string]struct {
		err    error
		status int
	}{
		"TOPIC_NOT_FOUND":   {errors.Join(queue.ErrTopicNotFound), 404},
		"CHANNEL_NOT_FOUND": {errors.Join(queue.ErrChannelNotFound), 404},
		"EXITING":           {errors.Join(queue.ErrExiting), 503},
		"INTERNAL_ERROR":    {errors.New("disk on fire"), 500},
	} {
		n := newTestNode(t, func(o *NsqdOptions) { o.Metadata = failing{err: test.err} })
		exchange{"POST", "/topic/delete?topic=t", "", test.status, failure(text), v1JSON}.run(t, n.api)
	}
}
