package follow

import (
	"bufio"
	"io"
	"strings"
)

// maxEvent bounds what a lookup can make a client keep.
const maxEvent = 16 << 20

// readEvents hands on the data of server-sent events until the stream ends or the reader has had enough. Comments, which
// only show that the other side lives, come as no data.
func readEvents(from io.Reader, take func(data string) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 4096), maxEvent)
	var data []string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "" && data == nil:
		case lines.Text() == "":
			event := strings.Join(data, "\n")
			data = nil
			if err := take(event); err != nil {
				return err
			}
		case field == "data":
			data = append(data, value)
		case field == "":
			if err := take(""); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}
