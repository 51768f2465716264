package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

var (
	errMsgTooBig    = &apiError{http.StatusRequestEntityTooLarge, "MSG_TOO_BIG"}
	errMsgEmpty     = &apiError{http.StatusBadRequest, "MSG_EMPTY"}
	errInvalidTopic = &apiError{http.StatusBadRequest, "INVALID_TOPIC"}
	errInvalidDefer = &apiError{http.StatusBadRequest, "INVALID_DEFER"}
	errExiting      = &apiError{http.StatusServiceUnavailable, "EXITING"}
)

// published is the answer to every message that was taken.
const published = "OK"

// pub takes the body as one message. The order of its checks is stock's, so that a client sees the same error of several.
func (a *nsqdAPI) pub(req *http.Request, _ httprouter.Params) (any, error) {
	if req.ContentLength > a.Limits.MaxMsgSize {
		return nil, errMsgTooBig
	}
	body, err := readBody(req, a.Limits.MaxMsgSize)
	switch {
	case err != nil:
		return nil, errInternal // the client left in the middle, which is nothing to log
	case int64(len(body)) > a.Limits.MaxMsgSize:
		return nil, errMsgTooBig
	case len(body) == 0:
		return nil, errMsgEmpty
	}
	topic, q, err := a.publishTopic(req)
	if err != nil {
		return nil, err
	}
	message := queue.Message{Body: body}
	if word, ok := q.lookup("defer"); ok {
		delay, err := parseDefer(word, a.Limits.MaxReqTimeout)
		if err != nil {
			return nil, err
		}
		if delay > 0 {
			message.Timestamp = time.Now().UnixNano()
			message.Due = message.Timestamp + int64(delay)
		}
	}
	b := a.takeBatch()
	defer a.returnBatch(b)
	b.messages = append(b.messages, message)
	return put(topic, b)
}

// publishTopic returns the topic of a publish, made if it is missing, and the other parameters.
func (a *nsqdAPI) publishTopic(req *http.Request) (*queue.Topic, params, error) {
	q, err := query(req)
	if err != nil {
		return nil, q, err
	}
	name, ok := q.lookup("topic")
	if !ok {
		return nil, q, errMissingArgTopic
	}
	if topic := a.Queues.FindTopic(name); topic != nil {
		return topic, q, nil
	}
	if !names.ValidTopic(name) {
		return nil, q, errInvalidTopic
	}
	topic, err := a.makeTopic(strings.Clone(name)) // a topic must not keep the request that made it in memory
	if errors.Is(err, queue.ErrNoAutoCreate) {
		return nil, q, &apiError{http.StatusNotFound, "TOPIC_NOT_FOUND: " + err.Error()}
	}
	if err != nil {
		return nil, q, errExiting
	}
	return topic, q, nil
}

// makeTopic makes the topic of a publish, if policy lets it be made so.
func (a *nsqdAPI) makeTopic(name string) (*queue.Topic, error) {
	if a.Topic != nil {
		return a.Topic(name)
	}
	return a.Queues.Topic(name)
}

// parseDefer reads a delay in milliseconds.
func parseDefer(word string, most time.Duration) (time.Duration, error) {
	ms, err := strconv.ParseInt(word, 10, 64)
	if err != nil || ms < 0 || ms > most.Milliseconds() {
		return 0, errInvalidDefer
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// put publishes a batch at once. Why a disk refused it is told by Health, to whoever asks /ping: here it would be told for
// every message.
func put(topic *queue.Topic, b *batch) (any, error) {
	switch err := topic.Put(b.messages); {
	case errors.Is(err, queue.ErrFull):
		return nil, &apiError{http.StatusTooManyRequests, "QUEUE_FULL: " + err.Error()}
	case errors.Is(err, queue.ErrTooLate):
		return nil, &apiError{http.StatusBadRequest, "INVALID_DEFER: " + err.Error()}
	case errors.Is(err, queue.ErrDraining):
		return nil, errDraining
	case err != nil:
		return nil, errExiting
	}
	return published, nil
}

// readBody reads a body into the one string that its messages will share. It stops one byte beyond limit, which is how the
// caller sees that there is more. With an error it returns what came before that.
func readBody(req *http.Request, limit int64) (string, error) {
	if req.ContentLength < 0 {
		body, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
		return string(body), err // a copy, because ReadAll may have taken twice the memory
	}
	body := make([]byte, min(req.ContentLength, limit+1))
	n, err := io.ReadFull(req.Body, body)
	// Nobody writes to body any more, so it can be the string itself: one allocation and no copy a request.
	return unsafe.String(unsafe.SliceData(body), n), err
}

// keptMessages is how large a batch may be to be used again. Larger ones are rare and would only hold memory.
const keptMessages = 1024

// batch is the memory of one Put, used again by the next request.
type batch struct{ messages []queue.Message }

func (a *nsqdAPI) takeBatch() *batch { return a.batches.Get().(*batch) }

// returnBatch lets go of the bodies, which may be in no queue any more.
func (a *nsqdAPI) returnBatch(b *batch) {
	if cap(b.messages) > keptMessages {
		return
	}
	clear(b.messages)
	b.messages = b.messages[:0]
	a.batches.Put(b)
}
