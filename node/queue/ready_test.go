package queue

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestWakeFollowsWhatMakesMessagesAvailable(t *testing.T) {
	wake := func(t *testing.T, w *waker, s *Subscription) {
		t.Helper()
		if !w.wasWoken() {
			t.Fatal("not woken")
		}
		if len(take(s)) == 0 {
			t.Fatal("nothing to take")
		}
	}
	for name, f := range map[string]func(t *testing.T, c *Channel){
		"a put": func(t *testing.T, c *Channel) {
			s, w := subscribe(t, c, 1, Terms{})
			put(t, c, numbered(1, 1))
			wake(t, w, s)
		},
		"a ready count, when messages wait": func(t *testing.T, c *Channel) {
			put(t, c, numbered(1, 1))
			s, w := subscribe(t, c, 1, Terms{})
			wake(t, w, s)
		},
		"a higher ready count": func(t *testing.T, c *Channel) {
			put(t, c, numbered(1, 3))
			s, w := subscribe(t, c, 2, Terms{})
			wake(t, w, s)
			s.SetReady(3)
			wake(t, w, s)
		},
		"a finish that makes room": func(t *testing.T, c *Channel) {
			put(t, c, numbered(1, 2))
			s, w := subscribe(t, c, 1, Terms{})
			wake(t, w, s)
			s.Finish([]ID{1}, noFailure(t))
			wake(t, w, s)
		},
		"a requeue": func(t *testing.T, c *Channel) {
			put(t, c, numbered(1, 1))
			s, w := subscribe(t, c, 1, Terms{})
			wake(t, w, s)
			s.Requeue([]ID{1}, []time.Duration{0}, noFailure(t))
			wake(t, w, s)
		},
		"a take by another that leaves something": func(t *testing.T, c *Channel) {
			a, wa := subscribe(t, c, 1, Terms{})
			b, wb := subscribe(t, c, 1, Terms{})
			put(t, c, numbered(1, 2))
			if wb.wasWoken() {
				t.Fatal("one put woke two")
			}
			wake(t, wa, a)
			wake(t, wb, b)
		},
		"the leave of another that was called": func(t *testing.T, c *Channel) {
			a, wa := subscribe(t, c, 1, Terms{})
			b, wb := subscribe(t, c, 1, Terms{})
			put(t, c, numbered(1, 1))
			if !wa.wasWoken() {
				t.Fatal("the first was not woken")
			}
			a.Close()
			wake(t, wb, b)
		},
		"the loss of its ready count by another that was called": func(t *testing.T, c *Channel) {
			a, wa := subscribe(t, c, 1, Terms{})
			b, wb := subscribe(t, c, 1, Terms{})
			put(t, c, numbered(1, 1))
			if !wa.wasWoken() {
				t.Fatal("the first was not woken")
			}
			a.SetReady(0)
			wake(t, wb, b)
		},
	} {
		t.Run(name, func(t *testing.T) { f(t, testChannel(t, testOptions(t))) })
	}
}

func TestConsumersAreServedInOrder(t *testing.T) {
	c := testChannel(t, testOptions(t))
	var all []*Subscription
	var wakers []*waker
	for range 3 {
		s, w := subscribe(t, c, 100, Terms{})
		all, wakers = append(all, s), append(wakers, w)
	}
	for round := range 9 {
		put(t, c, numbered(ID(round+1), 1))
		for i, w := range wakers {
			if woken := w.wasWoken(); woken != (i == round%3) {
				t.Fatalf("round %d: consumer %d woken %v", round, i, woken)
			}
		}
		take(all[round%3])
		take(all[round%3])
	}
}

func TestNearConsumersAreServedFirst(t *testing.T) {
	c := testChannel(t, testOptions(t))
	_, far := subscribe(t, c, 1, Terms{})
	_, region := subscribe(t, c, 1, Terms{RegionLocal: true})
	_, near := subscribe(t, c, 1, Terms{ZoneLocal: true, RegionLocal: true})
	for i, w := range []*waker{near, region, far} {
		put(t, c, numbered(ID(i+1), 1))
		if !w.wasWoken() {
			t.Errorf("message %d went to another consumer", i)
		}
	}
}

func TestStuckConsumerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testChannel(t, testOptions(t))
		_, stuck := subscribe(t, c, 10, Terms{})
		s, w := subscribe(t, c, 10, Terms{})
		put(t, c, numbered(1, 1))
		if !stuck.wasWoken() || w.wasWoken() {
			t.Fatal("the first in line should have been woken")
		}
		time.Sleep(patience)
		synctest.Wait()
		if !w.wasWoken() {
			t.Fatal("the second was not woken when the first did not come")
		}
		wantIDs(t, take(s), 1)
		wantIDs(t, take(s))
		put(t, c, numbered(2, 1))
		if !w.wasWoken() {
			t.Error("the next message waits for the one that is stuck")
		}
	})
}

// TestNoWakeUpIsLost lets consumers act in any order, each only when woken as the contract says, and expects the channel to
// run dry.
func TestNoWakeUpIsLost(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := testChannel(t, testOptions(t))
		const n = 5
		var subs [n]*Subscription
		var wakers [n]*waker
		var held [n][]ID
		for i := range subs {
			subs[i], wakers[i] = subscribe(t, c, 1+r.IntN(4), Terms{ZoneLocal: r.IntN(3) == 0})
		}
		serve := func(i int) {
			room := subs[i].room() > 0
			for room && !subs[i].gone {
				got := subs[i].Take(make([]Message, 0, 1+r.IntN(5)))
				held[i] = append(held[i], idsOf(got)...)
				room = len(got) > 0 && subs[i].room() > 0
			}
		}
		finish := func(i int) {
			k := r.IntN(len(held[i]) + 1)
			subs[i].Finish(held[i][:k], noFailure(t))
			held[i] = held[i][k:]
		}
		id := ID(1)
		for range 300 {
			i := r.IntN(n)
			switch r.IntN(6) {
			case 0, 1:
				k := 1 + r.IntN(4)
				put(t, c, numbered(id, k))
				id += ID(k)
			case 2:
				finish(i)
			case 3:
				subs[i].SetReady(r.IntN(5))
			default:
				if wakers[i].wasWoken() {
					serve(i)
				}
			}
		}
		for i := range subs {
			subs[i].SetReady(10)
		}
		for progress := true; progress; {
			progress = false
			for i := range subs {
				if wakers[i].wasWoken() {
					progress = true
					serve(i)
				}
				finish(i)
				subs[i].Finish(held[i], noFailure(t))
				held[i] = nil
			}
		}
		if st := c.stats(); st.Depth != 0 || st.InFlight != 0 {
			t.Fatalf("seed %d: nobody is woken, but %d wait and %d are in flight", seed, st.Depth, st.InFlight)
		}
	}
}

// TestSlowConsumerHoldsNobodyUp: beside one that takes a tenth of a second for a message the others finish all the rest, as fast
// as they would without it.
func TestSlowConsumerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages, perMessage, slowness = 20000, 50 * time.Microsecond, 100 * time.Millisecond
		c := testChannel(t, testOptions(t))
		stop := make(chan struct{})
		consumer := func(ready int, each time.Duration) (count *int) {
			s, w := subscribe(t, c, ready, Terms{})
			count = new(int)
			go func() {
				into := make([]Message, 0, 200)
				for {
					got := s.Take(into)
					*count += len(got)
					time.Sleep(time.Duration(len(got)) * each)
					s.Finish(idsOf(got), noFailure(t))
					if len(got) > 0 {
						continue
					}
					select {
					case <-w.woken:
					case <-stop:
						return
					}
				}
			}()
			return count
		}
		slow := consumer(1, slowness)
		fast := []*int{consumer(100, perMessage), consumer(100, perMessage)}
		synctest.Wait()
		start := time.Now()
		put(t, c, numbered(1, messages))
		for c.stats().Depth > 0 {
			time.Sleep(time.Millisecond)
		}
		alone := messages / 2 * perMessage
		if took := time.Since(start); took > alone*11/10 {
			t.Errorf("took %v, where the fast ones alone need %v", took, alone)
		}
		time.Sleep(time.Second)
		close(stop)
		synctest.Wait()
		if sum := *slow + *fast[0] + *fast[1]; sum != messages {
			t.Errorf("%d of %d delivered", sum, messages)
		}
	})
}

func TestConsumersShareFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const consumers, rounds = 4, 2000
		c := testChannel(t, testOptions(t))
		r := rand.New(rand.NewPCG(9, 9))
		counts := make([]int, consumers)
		stop := make(chan struct{})
		for i := range counts {
			s, w := subscribe(t, c, 250, Terms{})
			go func() {
				into := make([]Message, 0, 200)
				for {
					got := s.Take(into)
					counts[i] += len(got)
					time.Sleep(time.Duration(20+5*len(got)) * time.Microsecond) // the write
					s.Finish(idsOf(got), noFailure(t))
					if len(got) > 0 {
						continue
					}
					select {
					case <-w.woken:
					case <-stop:
						return
					}
				}
			}()
		}
		id := ID(1)
		for range rounds {
			k := 1 + r.IntN(100)
			put(t, c, numbered(id, k))
			id += ID(k)
			time.Sleep(time.Duration(r.IntN(400)) * time.Microsecond)
		}
		time.Sleep(time.Second)
		close(stop)
		synctest.Wait()
		least, most, sum := counts[0], counts[0], 0
		for _, n := range counts {
			least, most, sum = min(least, n), max(most, n), sum+n
		}
		if ID(sum) != id-1 {
			t.Fatalf("%d of %d delivered", sum, id-1)
		}
		if float64(most) > 1.5*float64(least) {
			t.Errorf("shares are %v", counts)
		}
	})
}
