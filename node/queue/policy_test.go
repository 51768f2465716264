package queue

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// governed is a broker whose topics follow the policies of a map.
func governed(t testing.TB, o *Options, policies map[string]*Policy) *Broker {
	t.Helper()
	o.Policy = func(topic string) *Policy { return policies[topic] }
	return loadBroker(t, o)
}

func deliver(t testing.TB, s *Subscription, times int, answer func(ids []ID)) (delivered int) {
	t.Helper()
	for range times {
		got := take(s)
		delivered += len(got)
		answer(idsOf(got))
	}
	return delivered
}

func TestFullQueue(t *testing.T) {
	small := func(o *Options) { o.MemQueueSize = 2 }
	for name, tc := range map[string]struct {
		policy   Policy
		options  func(*Options)
		channels []string
		batches  [][]string
		refused  int
		left     []string
	}{
		"refuses what does not fit, whole, and takes what does": {
			Policy{MaxDepth: 3}, nil, []string{"c"},
			[][]string{{"1", "2"}, {"3", "4"}, {"5"}}, 1, []string{"1", "2", "5"},
		},
		"is full when the deepest channel is, on disk or not": {
			Policy{MaxDepth: 4}, small, []string{"c"},
			[][]string{{"1", "2", "3", "4"}, {"5"}}, 1, []string{"1", "2", "3", "4"},
		},
		"without channels is the topic itself": {
			Policy{MaxDepth: 2}, nil, nil,
			[][]string{{"1"}, {"2"}, {"3"}}, 1, []string{"1", "2"},
		},
		"drops the oldest in memory": {
			Policy{MaxDepth: 2, DropOldest: true}, nil, []string{"c"},
			[][]string{{"1", "2"}, {"3"}, {"4"}}, 0, []string{"3", "4"},
		},
		"drops the oldest on disk, too": {
			Policy{MaxDepth: 3, DropOldest: true}, small, []string{"c"},
			[][]string{{"1", "2", "3"}, {"4", "5", "6", "7"}}, 0, []string{"5", "6", "7"},
		},
		"without channels drops the oldest of the topic": {
			Policy{MaxDepth: 2, DropOldest: true}, small, nil,
			[][]string{{"1", "2", "3"}, {"4"}}, 0, []string{"3", "4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testOptions(t)
				if tc.options != nil {
					tc.options(o)
				}
				b := governed(t, o, map[string]*Policy{"t": &tc.policy})
				topic := topicOf(t, b, "t")
				for _, c := range tc.channels {
					channelOf(t, topic, c)
				}
				refused := 0
				for _, texts := range tc.batches {
					var batch []Message
					for _, text := range texts {
						batch = append(batch, Message{Body: text})
					}
					if err := topic.Put(batch); errors.Is(err, ErrFull) {
						refused++
					} else if err != nil {
						t.Fatal(err)
					}
				}
				if refused != tc.refused || topic.stats("").RefusalCount != uint64(tc.refused) {
					t.Errorf("%d refused, counted %d, want %d", refused, topic.stats("").RefusalCount, tc.refused)
				}
				wantBodies(t, drain(t, channelOf(t, topic, "c")), tc.left...)
			})
		})
	}
}

func TestMessageThatFailedTooOften(t *testing.T) {
	requeue := func(s *Subscription) func([]ID) {
		return func(ids []ID) { s.Requeue(ids, make([]time.Duration, len(ids)), func(int, error) {}) }
	}
	timeOut := func(*Subscription) func([]ID) { return func([]ID) { time.Sleep(time.Minute) } }
	for name, tc := range map[string]struct {
		to     string
		answer func(*Subscription) func([]ID)
	}{
		"goes to the dead-letter topic after so many requeues": {"dead", requeue},
		"goes to the dead-letter topic after so many timeouts": {"dead", timeOut},
		"is dropped where there is no dead-letter topic":       {"", requeue},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := governed(t, testOptions(t), map[string]*Policy{"t": {MaxAttempts: 3, DeadLetter: tc.to}})
				c := channelOf(t, topicOf(t, b, "t"), "c")
				publish(t, topicOf(t, b, "t"), "poison")
				s, _ := subscribe(t, c, 1, Terms{MsgTimeout: time.Minute})
				if n := deliver(t, s, 5, tc.answer(s)); n != 3 {
					t.Errorf("delivered %d times", n)
				}
				synctest.Wait()
				st := c.stats()
				if st.Depth+int64(st.InFlight)+int64(st.Deferred) != 0 {
					t.Errorf("still there: %+v", st)
				}
				if tc.to == "" {
					if st.DiscardCount != 1 || b.FindTopic("dead") != nil {
						t.Errorf("counters are %+v", st)
					}
					return
				}
				if st.DeadLetterCount != 1 {
					t.Errorf("counters are %+v", st)
				}
				wantBodies(t, drain(t, channelOf(t, b.FindTopic(tc.to), "c")), "poison")
			})
		})
	}
}

func TestDeadMessageIsKeptWhileItsTopicRefusesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policies := map[string]*Policy{"t": {MaxAttempts: 1, DeadLetter: "dead"}, "dead": {MaxDepth: 1}}
		b := governed(t, testOptions(t), policies)
		c := channelOf(t, topicOf(t, b, "t"), "c")
		publish(t, topicOf(t, b, "dead"), "first")
		publish(t, topicOf(t, b, "t"), "second")
		s, _ := subscribe(t, c, 1, Terms{})
		deliver(t, s, 1, func(ids []ID) { s.Requeue(ids, []time.Duration{0}, noFailure(t)) })
		time.Sleep(5 * buryRetry)
		if st := c.stats(); st.InFlight != 1 || st.DeadLetterCount != 0 {
			t.Fatalf("while the dead-letter topic is full: %+v", st)
		}
		b = reload(t, b)
		c = b.FindTopic("t").FindChannel("c")
		if st := c.stats(); st.Depth != 1 {
			t.Fatalf("after a restart: %+v", st)
		}
		delete(policies, "dead")
		b.Enforce()
		s, _ = subscribe(t, c, 1, Terms{})
		time.Sleep(2 * buryRetry)
		synctest.Wait()
		if got := take(s); len(got) > 0 {
			t.Errorf("delivered again: %v, %+v", got, c.stats())
		}
		time.Sleep(2 * buryRetry)
		synctest.Wait()
		if st, dead := c.stats(), b.FindTopic("dead").stats(""); st.DeadLetterCount != 1 || st.InFlight != 0 || dead.Depth != 2 {
			t.Errorf("with room for it: %+v, %+v", st, dead)
		}
	})
}

func TestDeadMessageLivesAgainWithoutThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policies := map[string]*Policy{"t": {MaxAttempts: 1, DeadLetter: "dead"}, "dead": {MaxDepth: 1}}
		b := governed(t, testOptions(t), policies)
		c := channelOf(t, topicOf(t, b, "t"), "c")
		publish(t, topicOf(t, b, "dead"), "first")
		publish(t, topicOf(t, b, "t"), "second")
		s, _ := subscribe(t, c, 1, Terms{})
		deliver(t, s, 1, func(ids []ID) { s.Requeue(ids, []time.Duration{0}, noFailure(t)) })
		synctest.Wait()
		clear(policies)
		b.Enforce()
		time.Sleep(2 * buryRetry)
		synctest.Wait()
		if got := take(s); len(got) != 1 || got[0].Body != "second" {
			t.Errorf("took %v", got)
		}
	})
}

func TestMessageOlderThanItsTimeToLiveIsNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := governed(t, testOptions(t), map[string]*Policy{"t": {MessageTTL: time.Minute}})
		topic := topicOf(t, b, "t")
		c := channelOf(t, topic, "c")
		publish(t, topic, "old", "older")
		time.Sleep(30 * time.Second)
		publish(t, topic, "young")
		time.Sleep(31 * time.Second)
		s, _ := subscribe(t, c, 10, Terms{})
		if got := take(s); len(got) != 1 || got[0].Body != "young" || got[0].Attempts != 1 {
			t.Errorf("took %v", got)
		}
		if st := c.stats(); st.ExpiredCount != 2 || st.Depth != 0 {
			t.Errorf("counters are %+v", st)
		}
	})
}

func TestLongestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := governed(t, testOptions(t), map[string]*Policy{"t": {MaxDefer: time.Second}})
		topic := topicOf(t, b, "t")
		c := channelOf(t, topic, "c")
		if err := topic.Put([]Message{{Body: "x", Due: time.Now().Add(time.Minute).UnixNano()}}); !errors.Is(err, ErrTooLate) {
			t.Errorf("deferred too long: %v", err)
		}
		if err := topic.Put([]Message{{Body: "x", Due: time.Now().Add(time.Second).UnixNano()}}); err != nil {
			t.Errorf("deferred as long as allowed: %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		s, _ := subscribe(t, c, 1, Terms{})
		deliver(t, s, 1, func(ids []ID) { s.Requeue(ids, []time.Duration{time.Minute}, noFailure(t)) })
		time.Sleep(time.Second)
		synctest.Wait()
		if got := take(s); len(got) != 1 {
			t.Errorf("a requeue was not cut to the longest delay: %+v", c.stats())
		}
	})
}

func TestPolicyCostsNoAllocation(t *testing.T) {
	for name, p := range map[string]*Policy{
		"none": nil,
		"all":  {MaxAttempts: 5, DeadLetter: "dead", MessageTTL: time.Hour, MaxDepth: 1000, MaxDefer: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := governed(t, testOptions(t), map[string]*Policy{"t": p})
			topic := topicOf(t, b, "t")
			s, _ := subscribe(t, channelOf(t, topic, "c"), 100, Terms{})
			batch, into, ids := []Message{{Body: "x"}}, make([]Message, 0, 1), []ID{0}
			failed := unexpected(t)
			n := testing.AllocsPerRun(1000, func() {
				batch[0].Timestamp = 0
				if topic.Put(batch) != nil {
					t.Fatal("refused")
				}
				into = s.Take(into[:0])
				ids[0] = into[0].ID
				s.Finish(ids, failed)
			})
			if n != 0 {
				t.Errorf("%v allocations a message", n)
			}
		})
	}
}
