package follow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"
)

func publisher(t testing.TB, m Mesh) *Producer {
	t.Helper()
	p, err := NewProducer(nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Follow(m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// nodes starts n of them, all listed.
func nodes(t testing.TB, d *directory, n int) (all []*fakeNsqd) {
	for range n {
		f := startNsqd(t, "127.0.0.1:0")
		d.add(f, "", "")
		all = append(all, f)
	}
	return all
}

func TestAProducerUsesAllNodes(t *testing.T) {
	d := startDirectory(t)
	all := nodes(t, d, 3)
	p := publisher(t, mesh(d))
	for i := range 30 {
		if err := p.Publish("t", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range all {
		if n := len(f.published()); n != 10 {
			t.Errorf("a node got %d of 30", n)
		}
	}
	late := startNsqd(t, "127.0.0.1:0")
	d.add(late, "", "")
	until(t, "a message for the new node", func() bool {
		if err := p.Publish("t", []byte("x")); err != nil {
			t.Fatal(err)
		}
		return len(late.published()) > 0
	})
}

func TestEveryKindOfPublish(t *testing.T) {
	d := startDirectory(t)
	f := nodes(t, d, 1)[0]
	p := publisher(t, mesh(d))
	err := errors.Join(p.Publish("t", []byte("one")), p.MultiPublish("t", [][]byte{[]byte("two"), []byte("three")}),
		p.DeferredPublish("t", time.Second, []byte("four")))
	want := []string{"PUB t one", "MPUB t \x00\x00\x00\x02\x00\x00\x00\x03two\x00\x00\x00\x05three", "DPUB t 1000 four"}
	if got := f.published(); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAProducerPrefersItsOwnZone(t *testing.T) {
	d := startDirectory(t)
	near, region, far := startNsqd(t, "127.0.0.1:0"), startNsqd(t, "127.0.0.1:0"), startNsqd(t, "127.0.0.1:0")
	for f, place := range map[*fakeNsqd][2]string{near: {"z1", "r1"}, region: {"z2", "r1"}, far: {"z1", "r2"}} {
		d.add(f, place[0], place[1])
	}
	m := mesh(d)
	m.Zone, m.Region = "z1", "r1"
	p := publisher(t, m)
	send := func() {
		t.Helper()
		for range 5 {
			if err := p.Publish("t", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	counts := func(want ...int) {
		t.Helper()
		if got := []int{len(near.published()), len(region.published()), len(far.published())}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	send()
	counts(5, 0, 0)
	near.stop()
	send()
	counts(5, 5, 0)
	region.stop()
	send()
	counts(5, 5, 5)
}

func TestFailover(t *testing.T) {
	answers := func(text string) func(*fakeNsqd) {
		return func(f *fakeNsqd) { f.answer = func(string) string { return text } }
	}
	for name, c := range map[string]struct {
		spoil   func(*fakeNsqd)
		refused string // the error, if it is final
	}{
		"a node that is down":                     {spoil: func(f *fakeNsqd) { f.listener.Close() }},
		"a node that is silent":                   {spoil: func(f *fakeNsqd) { f.mute = true }},
		"a node that does not answer":             {spoil: answers("")},
		"a node with a full disk":                 {spoil: answers("E_PUB_FAILED PUB failed: no space left on device")},
		"a topic name that is bad":                {answers("E_BAD_TOPIC PUB topic name \"t\" is not valid"), "E_BAD_TOPIC"},
		"a client that may not":                   {answers("E_UNAUTHORIZED AUTH failed for PUB on \"t\""), "E_UNAUTHORIZED"},
		"a code that only begins like a good one": {answers("E_PUB_FAILED_FOR_EVER x"), "E_PUB_FAILED_FOR_EVER"},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDirectory(t)
			both := nodes(t, d, 2)
			p := publisher(t, mesh(d))
			p.Timeout = 300 * time.Millisecond
			both[0].set(func() { c.spoil(both[0]) })
			until(t, "both nodes to be known", func() bool { return len(p.order()) == 2 })
			failed := 0
			begin := time.Now()
			for range 4 {
				if err := p.Publish("t", []byte("x")); err != nil {
					if failed++; c.refused == "" || !strings.Contains(err.Error(), c.refused) {
						t.Error(err)
					}
				}
			}
			if (failed > 0) != (c.refused != "") || len(both[1].published()) != 4-failed {
				t.Errorf("%d failed, the other node has %d", failed, len(both[1].published()))
			}
			if took := time.Since(begin); took > minRest-100*time.Millisecond {
				t.Errorf("a node that fails is asked again and again: %v", took)
			}
		})
	}
}

func TestANodeThatFailedIsTriedAgain(t *testing.T) {
	d := startDirectory(t)
	both := nodes(t, d, 2)
	p := publisher(t, mesh(d))
	down := both[0]
	down.set(func() { down.answer = func(string) string { return "E_PUB_FAILED disk full" } })
	for range 4 {
		if err := p.Publish("t", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	down.set(func() { down.answer = func(string) string { return "OK" } })
	took := until(t, "a message for the node that is well again", func() bool {
		if err := p.Publish("t", []byte("x")); err != nil {
			t.Fatal(err)
		}
		return len(down.published()) > 0
	})
	if took > minRest+500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestWhenAllNodesFailTheErrorSaysWhy(t *testing.T) {
	d := startDirectory(t)
	for _, f := range nodes(t, d, 2) {
		f.set(func() { f.answer = func(string) string { return "E_PUB_FAILED disk full" } })
	}
	p := publisher(t, mesh(d))
	for range 3 { // at rest they are asked all the same, as there is nobody else
		err := p.Publish("t", []byte("x"))
		var answer nsq.ErrProtocol
		if !errors.As(err, &answer) || answer.Reason != "E_PUB_FAILED disk full" {
			t.Errorf("all fail: %v", err)
		}
	}
}

func TestAProducerWithoutNodes(t *testing.T) {
	d := startDirectory(t)
	p := publisher(t, mesh(d))
	if err := p.Publish("t", []byte("x")); !errors.Is(err, ErrNoNodes) {
		t.Errorf("an empty mesh: %v", err)
	}
	lost, err := NewProducer(nsq.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	lost.Timeout = 50 * time.Millisecond
	if err := lost.Publish("t", []byte("x")); !errors.Is(err, ErrNoNodes) {
		t.Errorf("no mesh: %v", err)
	}
	lost.Stop()
	if err := lost.Publish("t", []byte("x")); !errors.Is(err, nsq.ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
	if err := lost.Follow(mesh(d)); !errors.Is(err, nsq.ErrStopped) {
		t.Errorf("following after the end: %v", err)
	}
}

// Nodes come, go and fail while many publish: everything that was acknowledged is there, and nothing fails as long as
// one node is well.
func TestPublishingWhileNodesComeAndGo(t *testing.T) {
	d := startDirectory(t)
	all := nodes(t, d, 3)
	p := publisher(t, mesh(d))
	const workers, each = 8, 60
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := range each {
				if err := p.Publish("t", fmt.Appendf(nil, "%d-%d", w, i)); err != nil {
					t.Error(err)
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	for range 3 {
		time.Sleep(20 * time.Millisecond)
		all[0].cut()
		all[1].stop()
		extra := startNsqd(t, "127.0.0.1:0")
		all = append(all, extra)
		g := d.add(extra, "", "")
		time.Sleep(20 * time.Millisecond)
		g.Disconnect()
	}
	work.Wait()
	got := map[string]bool{}
	for _, f := range all {
		for _, command := range f.published() {
			got[command] = true
		}
	}
	if len(got) != workers*each {
		t.Errorf("%d of %d messages are there", len(got), workers*each)
	}
}
