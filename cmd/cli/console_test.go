package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestConsoleKeepsTheLastLineBelow(t *testing.T) {
	var b bytes.Buffer
	c := &Console{w: &b, Live: true}
	c.show("50%")
	c.Say("hello")
	c.show("")
	c.Say("end")
	if want := "50%\r\x1b[Khello\n50%\r\x1b[Kend\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
	b.Reset()
	_ = c.Output(2, `ERR 1 [t/c] error querying nsqlookupd - got response 404 Not Found "{\"message\":\"TOPIC_NOT_FOUND\"}"`)
	if b.Len() > 0 {
		t.Errorf("a topic that is not there yet is said each time: %q", b.String())
	}
}

func TestConsoleSaysTheSameOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		c := &Console{w: &b}
		for range 4 {
			_ = c.Output(2, "refused")
			_ = c.Output(2, "reset")
			time.Sleep(sameLineAgain/2 + 1)
		}
		if want := "refused\nreset\nrefused\nreset\n"; b.String() != want {
			t.Errorf("got %q", b.String())
		}
	})
}
