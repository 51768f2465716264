package queue

import (
	"strconv"
	"strings"
	"testing"
)

// BenchmarkTopicPut measures publishing alone: what the channels got is dropped now and then, untimed.
func BenchmarkTopicPut(b *testing.B) {
	for _, channels := range []int{1, 8} {
		for _, size := range []int{1, benchBatch} {
			b.Run("channels="+strconv.Itoa(channels)+"/batch="+strconv.Itoa(size), func(b *testing.B) {
				benchmarkTopicPut(b, channels, size)
			})
		}
	}
}

func benchmarkTopicPut(b *testing.B, channels, size int) {
	t := testTopic(b, testOptions(b))
	for i := range channels {
		if _, err := t.Channel("c" + strconv.Itoa(i)); err != nil {
			b.Fatal(err)
		}
	}
	batch := numbered(1, size)
	for i := range batch {
		batch[i].Body = strings.Repeat("x", 200)
	}
	b.ReportAllocs()
	for i := 1; b.Loop(); i++ {
		if err := t.Put(batch); err != nil {
			b.Fatal(err)
		}
		if i*size%10000 == 0 {
			b.StopTimer()
			for _, c := range t.listed() {
				c.memory.drop()
			}
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/message")
}
