package tools

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{perSecond: 100}
		begin, left := time.Now(), 300
		for left > 0 {
			n := p.most(left)
			p.wait(t.Context(), n)
			left -= n
		}
		if took := time.Since(begin); took < 2900*time.Millisecond || took > 3*time.Second {
			t.Errorf("300 at 100 a second took %v", took)
		}
		time.Sleep(time.Hour)
		begin = time.Now()
		for range 10 {
			p.wait(t.Context(), 10)
		}
		if took := time.Since(begin); took < 900*time.Millisecond {
			t.Errorf("after a pause 100 came in %v", took)
		}
		free := pace{}
		if begin = time.Now(); free.most(7) != 7 {
			t.Error("no rate is no limit")
		}
		if free.wait(t.Context(), 1000); time.Since(begin) > 0 {
			t.Error("no rate waits")
		}
		if slow := (&pace{perSecond: 3}); slow.most(500) != 1 {
			t.Error("a slow rate sends one at a time")
		}
	})
}
