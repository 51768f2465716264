package nsqd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// benchServer is a server on loopback and a topic with one channel.
func benchServer(b *testing.B) (*harness, net.Listener, *queue.Topic) {
	h := newHarness(b, testOptions(), func(o *queue.Options) { o.MemQueueSize = 1 << 30 })
	topic, err := h.broker.Topic("bench")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := topic.Channel("ch"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { h.broker.DeleteTopic("bench") }) // or closing would write it all to disk
	return h, h.listen("tcp", "127.0.0.1:0"), topic
}

// stream writes n commands made of pieces of several, and reads as many bytes of answers for each.
func stream(b *testing.B, h *harness, l net.Listener, command string, perPiece int, perCommand int64) {
	c := h.dial(l)
	piece := []byte(strings.Repeat(command, perPiece))
	b.ResetTimer()
	go func() {
		for n := 0; n < b.N; n += perPiece {
			if _, err := c.conn.Write(piece[:len(command)*min(perPiece, b.N-n)]); err != nil {
				return
			}
		}
	}()
	if _, err := io.CopyN(io.Discard, c.conn, perCommand*int64(b.N)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPublish(b *testing.B) {
	body := strings.Repeat("b", 200)
	bodies := make([]string, 200)
	for i := range bodies {
		bodies[i] = body
	}
	b.Run("PUB one at a time", func(b *testing.B) {
		h, l, _ := benchServer(b)
		c := h.dial(l)
		answer := make([]byte, len(okFrame))
		for b.Loop() {
			c.send("PUB bench\n", sized(body))
			if _, err := io.ReadFull(c.conn, answer); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("PUB pipelined", func(b *testing.B) {
		h, l, _ := benchServer(b)
		b.ReportAllocs()
		stream(b, h, l, "PUB bench\n"+sized(body), 64, int64(len(okFrame)))
	})
	b.Run("MPUB of 200", func(b *testing.B) {
		h, l, _ := benchServer(b)
		b.ReportAllocs()
		stream(b, h, l, "MPUB bench\n"+mpubBody(bodies...), 1, int64(len(okFrame)))
	})
}

// BenchmarkConsume is a message delivered and finished, with so many in flight at most.
func BenchmarkConsume(b *testing.B) {
	for _, ready := range []int{1, 10, 100, 2500} {
		b.Run(fmt.Sprint("RDY ", ready), func(b *testing.B) {
			h, l, topic := benchServer(b)
			for n := 0; n < b.N; n += 1000 {
				batch := make([]queue.Message, min(1000, b.N-n))
				for i := range batch {
					batch[i].Body = "0123456789012345678901234567890123456789"
				}
				if err := topic.Put(batch); err != nil {
					b.Fatal(err)
				}
			}
			c := h.dial(l)
			c.send("SUB bench ch\n")
			c.expect("response OK")
			b.ReportAllocs()
			b.ResetTimer()
			c.send(fmt.Sprintf("RDY %d\n", ready))
			consume(b, c.conn, b.N)
		})
	}
}

// consume reads n messages and finishes all that have arrived at once.
func consume(b *testing.B, conn net.Conn, n int) {
	in := bufio.NewReaderSize(conn, 256<<10)
	var fins []byte
	frame := make([]byte, messageOverhead+40)
	for range n {
		if _, err := io.ReadFull(in, frame); err != nil {
			b.Fatal(err)
		}
		fins = append(fins, "FIN "...)
		fins = append(fins, frame[18:34]...)
		fins = append(fins, '\n')
		if in.Buffered() < len(frame) {
			if _, err := conn.Write(fins); err != nil {
				b.Fatal(err)
			}
			fins = fins[:0]
		}
	}
}

// BenchmarkIdleConsumers opens consumers that wait; "B/consumer" is what each costs, with the client's end of it.
func BenchmarkIdleConsumers(b *testing.B) {
	h, l, _ := benchServer(b)
	before := inUse()
	conns := make([]*client, b.N)
	for i := range conns {
		conns[i] = h.dial(l)
		conns[i].send("SUB bench ch\nRDY 1\n")
		conns[i].expect("response OK")
	}
	b.ReportMetric(float64(inUse()-before)/float64(b.N), "B/consumer")
}
