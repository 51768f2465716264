package tools

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// archiveName makes the names of files by the rules of nsq_to_file.
type archiveName struct {
	format   string // <TOPIC>, <HOST>, <PID>, <DATETIME> and <REV>
	datetime string // in the letters of strftime
	host     string
	gzip     bool
	revision bool // names have one; without it <REV> is nothing
}

// at is the name for a topic at a time. It leaves <REV> to revised.
func (a *archiveName) at(topic string, t time.Time) string {
	name := strings.NewReplacer(
		"<TOPIC>", topic,
		"<HOST>", a.host,
		"<PID>", strconv.Itoa(os.Getpid()),
		"<DATETIME>", strftime(a.datetime, t),
	).Replace(a.format)
	if !a.revision {
		name = strings.ReplaceAll(name, "<REV>", "")
	}
	if a.gzip && !strings.HasSuffix(name, ".gz") {
		name += ".gz"
	}
	return name
}

// revised fills in the number of the file among those of the same name.
func revised(name string, revision int) string {
	return strings.ReplaceAll(name, "<REV>", fmt.Sprintf("-%06d", revision))
}

// hostIdentifier fills in the host's names; without an identifier it is the short one.
func hostIdentifier(identifier string) (string, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("read host name: %w", err)
	}
	short, _, _ := strings.Cut(hostname, ".")
	if identifier == "" {
		return short, nil
	}
	return strings.NewReplacer("<SHORT_HOST>", short, "<HOSTNAME>", hostname).Replace(identifier), nil
}

// strftimeLayouts are the letters that nsq_to_file knows. Any other stands for itself.
var strftimeLayouts = map[byte]string{
	'A': "Monday", 'a': "Mon", 'B': "January", 'b': "Jan", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'm': "01",
	'p': "PM", 'S': "05", 'Y': "2006", 'y': "06", 'Z': "MST", 'z': "-0700",
}

func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch layout, known := strftimeLayouts[format[i]]; {
		case known:
			b.WriteString(t.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteByte('%')
			b.WriteByte(format[i])
		}
	}
	return b.String()
}
