package queue

import (
	"errors"
	"testing"
	"time"
)

func TestEphemeralChannelDropsOverflow(t *testing.T) {
	for name, c := range map[string]struct {
		size  int64
		ready int
		want  int64
	}{
		"beyond its memory":                       {size: 5, want: 5},
		"with no memory and nobody waiting":       {size: 0, want: 0},
		"but hands over to consumers that wait":   {size: 0, ready: 3, want: 3},
		"beyond memory, not what is waited for":   {size: 5, ready: 7, want: 7},
		"nothing, where consumers have much room": {size: 5, ready: 100, want: 12},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.MemQueueSize = c.size
			h := &health{}
			h.failed(errors.New("disk full"))
			channel := newChannel("t", "c#ephemeral", o, h, func() {}, nil)
			subscribe(t, channel, c.ready, Terms{})
			put(t, channel, numbered(1, 12))
			if st := channel.stats(); st.Depth != c.want || st.MessageCount != 12 {
				t.Errorf("depth %d of %d messages, want %d", st.Depth, st.MessageCount, c.want)
			}
			if dropped := c.want < 12; (h.err() == nil) != dropped {
				t.Errorf("health is %v", h.err())
			}
		})
	}
}

func TestEphemeralChannelKeepsWhatComesBack(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize = 1
	c := newChannel("t", "c#ephemeral", o, &health{}, func() {}, nil)
	s, _ := subscribe(t, c, 1, Terms{})
	put(t, c, numbered(1, 1))
	wantIDs(t, take(s), 1)
	put(t, c, numbered(2, 1))
	s.Requeue([]ID{1}, []time.Duration{0}, noFailure(t))
	s.SetReady(5)
	wantIDs(t, take(s), 2, 1)
}

func TestEphemeralChannelEndsWithItsLastConsumer(t *testing.T) {
	var idle []*Channel
	c := newChannel("t", "c#ephemeral", testOptions(t), &health{}, func() {}, func(c *Channel) { idle = append(idle, c) })
	a, _ := subscribe(t, c, 1, Terms{})
	b, _ := subscribe(t, c, 1, Terms{})
	a.Close()
	if len(idle) > 0 {
		t.Fatal("told to be idle with a consumer left")
	}
	b.Close()
	b.Close()
	if len(idle) != 1 || idle[0] != c {
		t.Fatalf("told to be idle %d times", len(idle))
	}
	if _, err := c.Subscribe(newWaker(), Terms{}); !errors.Is(err, ErrExiting) {
		t.Errorf("consumer of a channel that ends: %v", err)
	}
	if err := c.remove(); err != nil {
		t.Error(err)
	}
}
