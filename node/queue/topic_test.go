package queue

import "testing"

func testTopic(t testing.TB, o *Options) *Topic {
	topic := newTopic("t", o, newIDSource(1), &health{}, func(bool) {}, func(*Topic) {})
	topic.start()
	t.Cleanup(func() {
		topic.stop()
		if err := topic.remove(); err != nil {
			t.Error(err)
		}
	})
	return topic
}
