package main

import (
	"strings"
	"testing"

	"github.com/nsqio/go-nsq"
)

// A program that was written for nsqd, on one node: nothing in it knows of a mesh.
func TestProgramsOfNSQWorkUnchanged(t *testing.T) {
	node := startNode(t, t.TempDir())
	got := make(chan string, 10)

	producer := newProducer(t, node.addr.TCP)
	if err := producer.Publish("test", []byte("hello world over TCP")); err != nil {
		t.Fatal(err)
	}
	if answer := post(t, node.nsqd("/pub?topic=test"), "hello world 1"); answer != "OK" {
		t.Errorf("/pub answered %q", answer)
	}
	text := get(t, node.nsqd("/stats"))
	if !strings.Contains(text, "[test           ] depth: 2 ") {
		t.Errorf("/stats does not show the topic with its messages:\n%s", text)
	}

	consumer := newConsumer(t, "test", "print", 10, func(m *nsq.Message) error {
		got <- string(m.Body)
		return nil
	})
	if err := consumer.ConnectToNSQD(node.addr.TCP); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hello world over TCP", "hello world 1"} {
		if body := receive(t, got); body != want {
			t.Errorf("got %q, want %q", body, want)
		}
	}
	waitFor(t, "a channel with nothing left", func() bool {
		return node.topic("test").channel("print") == channelStats{Name: "print", Clients: 1}
	})
	if text := get(t, node.nsqd("/stats")); !strings.Contains(text, "[print                    ] depth: 0 ") {
		t.Errorf("/stats does not show the channel:\n%s", text)
	}
}
