package httpapi

import (
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

var (
	errBodyTooBig = &apiError{http.StatusRequestEntityTooLarge, "BODY_TOO_BIG"}
	errBadBody    = &apiError{http.StatusRequestEntityTooLarge, "BAD_BODY"}
	errBadMessage = &apiError{http.StatusRequestEntityTooLarge, "BAD_MESSAGE"}
)

// mpub takes the body as several messages. Nothing is queued until all of it has been read and checked.
func (a *nsqdAPI) mpub(req *http.Request, _ httprouter.Params) (any, error) {
	if req.ContentLength > a.Limits.MaxBodySize {
		return nil, errBodyTooBig
	}
	topic, q, err := a.publishTopic(req)
	if err != nil {
		return nil, err
	}
	body, err := readBody(req, a.Limits.MaxBodySize)
	b := a.takeBatch()
	defer a.returnBatch(b)
	switch {
	case a.binary(q):
		// A body that broke off counts up to there: what follows the last message would not matter.
		b.messages, err = appendBinary(b.messages, body[:min(int64(len(body)), a.Limits.MaxBodySize)], a.Limits)
	case err != nil:
		err = errInternal // the client left in the middle
	case int64(len(body)) > a.Limits.MaxBodySize:
		err = errBodyTooBig
	default:
		b.messages, err = appendLines(b.messages, body, a.Limits.MaxMsgSize)
	}
	if err != nil {
		return nil, err
	}
	return put(topic, b)
}

// binary tells whether the body holds counted messages instead of lines. Any odd value means so, for clients of old.
func (a *nsqdAPI) binary(q params) bool {
	word, ok := q.lookup("binary")
	switch {
	case !ok, word == "false", word == "0":
		return false
	case word != "true" && word != "1":
		a.oddWords.Do(func() {
			a.Log.Warn("a value of /mpub's parameter binary is deprecated; use true or 1", "value", word)
		})
	}
	return true
}

// appendLines makes a message of every line that is not empty.
func appendLines(batch []queue.Message, body string, maxMsgSize int64) ([]queue.Message, error) {
	for body != "" {
		var line string
		line, body, _ = strings.Cut(body, "\n")
		if int64(len(line)) > maxMsgSize {
			return batch, errMsgTooBig
		}
		if line != "" {
			batch = append(batch, queue.Message{Body: line})
		}
	}
	return batch, nil
}

// appendBinary reads an int32 count and so many messages, each after its int32 size, all big endian. What follows is ignored.
func appendBinary(batch []queue.Message, body string, limits Limits) ([]queue.Message, error) {
	const header, smallest = 4, 5 // the count; a message of one byte with its size
	count, body, ok := cutInt32(body)
	if !ok || count <= 0 || int64(count) > (limits.MaxBodySize-header)/smallest {
		return batch, errBadBody
	}
	for range count {
		var size int32
		size, body, ok = cutInt32(body)
		if !ok || size <= 0 || int64(size) > limits.MaxMsgSize || int(size) > len(body) {
			return batch, errBadMessage
		}
		batch = append(batch, queue.Message{Body: body[:size]})
		body = body[size:]
	}
	return batch, nil
}

func cutInt32(s string) (n int32, rest string, ok bool) {
	if len(s) < 4 {
		return 0, s, false
	}
	return int32(s[0])<<24 | int32(s[1])<<16 | int32(s[2])<<8 | int32(s[3]), s[4:], true
}
