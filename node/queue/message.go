package queue

// Message is a message as it waits. It is copied by value; the body is immutable, and all channels of a topic and
// all messages of a batch share one allocation of it.
type Message struct {
	ID        ID
	Timestamp int64  // when it was published, ns since the Unix epoch
	Due       int64  // not to be delivered before this, ns since the Unix epoch; 0 is at once
	Body      string // a string because it is shared and never changes
	Attempts  uint16 // deliveries so far on this channel
	fromDisk  bool   // read back from disk since it last waited; the counters by zone leave such a delivery out
}
